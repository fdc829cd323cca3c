"""The known word that was meant by one with a typing error."""

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that looks most like it; None when none does."""
    import difflib  # most runs have nothing to suggest

    return next(iter(difflib.get_close_matches(word, list(known), n=1)), None)


def hint(word: str, known: Iterable[str]) -> str:
    """The end of a sentence about a wrong word: `; did you mean 'this'?`, or a full stop."""
    near = nearest(word, known)
    return "." if near is None else f"; did you mean {near!r}?"
