"""To whom the step speaks while it goes on. The verdict and the reports are not said here."""

from typing import Protocol


class Voice(Protocol):
    """Somebody who watches."""

    def note(self, text: str) -> None:
        """A line that stays."""
        ...

    def show(self, text: str) -> None:
        """What is so at this moment: a line that the next one replaces, and nothing where no terminal is."""
        ...


class Silence:
    """Nobody watches."""

    def note(self, text: str) -> None:
        """Nothing."""

    def show(self, text: str) -> None:
        """Nothing."""
