"""What was begun and must be taken away again where the rest fails; what cannot be is told."""

from collections.abc import Callable

from skinlab.errors import DeploymentError


class Undo:
    """Steps back, the last one first."""

    def __init__(self) -> None:
        self._steps: list[tuple[str, Callable[[], None]]] = []

    def add(self, what: str, step: Callable[[], None]) -> None:
        """Remember how to take something away.

        Args:
            what: in words, for people who have to do it by hand.
            step: does it; a DeploymentError is a reason why not.
        """
        self._steps.append((what, step))

    def all(self) -> list[str]:
        """Take everything away; gives what could not be, each with the reason."""
        left = []
        while self._steps:
            what, step = self._steps.pop()
            try:
                step()
            except DeploymentError as error:
                left.append(f"{what} ({error})")
        return left

    def said(self) -> str:
        """Take everything away; gives what follows the message of a failure."""
        left = self.all()
        if not left:
            return ""
        return f"; could not be taken away and may cost money, do it by hand: {', '.join(left)}"
