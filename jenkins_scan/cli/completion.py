"""What the shell offers for a value: paths, names and images. Nothing heavy is imported before a value is asked for."""

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from click.shell_completion import BashComplete, CompletionItem, add_completion_class

from jenkins_scan.config.options import ALL, SHOWN, SHOWN_FORMATS
from jenkins_scan.report.interface import FORMATS

if TYPE_CHECKING:
    from jenkins_scan.config.option import Option

Completion = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]
SCHEMES: Final = ("docker-archive", "oci-archive", "oci-dir")
"""Of the places of images those that are paths."""
BREAKS: Final = (":", "=")
"""Where bash ends a word, of what an argument here may hold."""
MOST: Final = 500
"""Entries of a folder that are offered."""
DEEPEST: Final = 20


def option_completion(option: "Option", command: str) -> Completion | None:
    """How the value of this option is completed; None: by click itself, or not at all."""
    if option.name == "output":
        return _names(lambda: SHOWN_FORMATS if command in SHOWN else FORMATS, path_after="=")
    if option.name == "scenario":
        return _names(_scenarios, files=True)
    if option.name == "region":
        return _names(_regions)
    if option.metavar == "DIR":
        return folders
    words = (option.metavar or "").split("|")
    if "FILE" in words:
        return _names(lambda: [word for word in words if word.islower()], files=True)
    return _names(lambda: ["sandbox"]) if "sandbox" in words else None


def files(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Left to the shell: the names of files."""
    return [CompletionItem(incomplete, type="file")]


def folders(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Left to the shell: the names of folders."""
    return [CompletionItem(incomplete, type="dir")]


def scenarios(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """A ready-made scenario, or a file."""
    return _names(_scenarios, files=True)(context, parameter, incomplete)


def explained(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Whatever `explain` knows."""
    from jenkins_scan.explanations import known_words

    return _names(known_words)(context, parameter, incomplete)


def asked_about(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """A command that has settings, in the first place alone."""
    return [] if context.params.get("command_line") else _names(lambda: ALL)(context, parameter, incomplete)


def images(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """An image in a file or a folder. What an engine or a registry holds is not asked for."""
    begun, separator, path = incomplete.partition("://")
    fitting = [each for each in SCHEMES if (begun == each if separator else f"{each}://".startswith(begun))]
    paths = [f"{scheme}://{entry}" for scheme in fitting[:1] for entry in _entries(path, layouts=scheme == "oci-dir")]
    one = len(fitting) == 1 and (separator or paths)
    return [CompletionItem(word) for word in (paths if one else [f"{scheme}://" for scheme in fitting])]


@add_completion_class
class SplitWords(BashComplete):
    """Completion for bash, which ends a word at `:` and `=`: such words are put together, and what it has is left out.

    COMP_WORDS does not tell `a:b` from `a : b`; the second is nothing that could be meant here.
    """

    typed = ""
    """What stands before the part that bash replaces."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the one that is begun, and that one as far as it is typed."""
        before, last = super().get_completion_args()
        words: list[str] = []
        glued = False
        for word in (*before, last):
            breaks = word in BREAKS
            if words and (breaks or glued):
                words[-1] += word
            else:
                words.append(word)
            glued = breaks
        begun = words.pop()
        self.typed = begun if last in BREAKS else begun.removesuffix(last)
        return words, begun

    def format_completion(self, item: CompletionItem) -> str:
        """A line for the script: the kind, and what replaces the last part of the word."""
        return f"{item.type},{item.value.removeprefix(self.typed)}"


def _entries(begun: str, *, layouts: bool = False, depth: int = 0) -> list[str]:
    """The paths that begin so. One single folder is entered: the shell would end the word behind it."""
    found = list(islice(_listed(begun, layouts=layouts), MOST))
    if len(found) != 1 or not found[0].endswith("/") or depth == DEEPEST:
        return found
    return _entries(found[0], layouts=layouts, depth=depth + 1) or found


def _listed(begun: str, *, layouts: bool) -> Iterator[str]:
    above, slash, name = begun.rpartition("/")
    try:
        entries = sorted(os.scandir(above + slash or "."), key=lambda entry: entry.name)
    except (OSError, ValueError):
        return
    for entry in entries:
        if not entry.name.startswith(name) or (entry.name.startswith(".") and not name):
            continue
        path = f"{above}{slash}{entry.name}"
        if not entry.is_dir():
            if not layouts:
                yield path
        elif layouts and Path(path, "oci-layout").exists():
            yield path
        else:
            yield f"{path}/"


def _names(names: Callable[[], Iterable[str]], *, files: bool = False, path_after: str = "") -> Completion:
    """One of these names; where none begins so, with `files` a file, and behind `NAME` + `path_after` a path."""

    def complete(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        name, separator, path = incomplete.partition(path_after) if path_after else (incomplete, "", "")
        if separator:
            return [CompletionItem(f"{name}{separator}{entry}") for entry in _entries(path)]
        found = [CompletionItem(each) for each in names() if each.startswith(incomplete)]
        return [CompletionItem(incomplete, type="file")] if files and not found else found

    return complete


def _scenarios() -> Iterable[str]:
    from jenkins_scan.sandbox.scenarios import SCENARIOS

    return SCENARIOS


def _regions() -> Iterable[str]:
    from jenkins_scan.security_center.regions import REGIONS

    return [region.id for region in REGIONS]
