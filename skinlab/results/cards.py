"""What a page says of an image, and which images are on it: as plain values, a page at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from skinlab.evaluation.summary import BINARY, UNSEEN
from skinlab.results.choosing import Choice, chosen, decisions
from skinlab.results.reading import Results

SHOWN = 48
"""Images on a page."""
BARS = 5
"""Most classes whose probability is drawn in a grid."""


@dataclass(frozen=True)
class Bar:
    """The probability of a class.

    Attributes:
        name: of the class.
        code: its index.
        value: the probability.
        is_truth: whether the image is of this class.
        threshold: of the positive class of two, from where on it is called; None for others.
    """

    name: str
    code: int
    value: float
    is_truth: bool
    threshold: float | None


@dataclass(frozen=True)
class Card:
    """An image.

    Attributes:
        row: in the subset.
        image_id: its name.
        truth: its class; None where that is no class of the run.
        called: the class that it is called.
        code: index of that class.
        is_right: whether both are the same.
        loss: negative log-likelihood of the truth, in nats; None without a truth.
        bars: its probabilities: of two classes the positive first, of more the most probable.
    """

    row: int
    image_id: str
    truth: str | None
    called: str
    code: int
    is_right: bool
    loss: float | None
    bars: list[Bar]


@dataclass(frozen=True)
class Sheet:
    """A page of images.

    Attributes:
        cards: of this page.
        total: images that were chosen, on all pages.
        number: of this page, from 1.
        pages: how many there are, at least 1.
    """

    cards: list[Card]
    total: int
    number: int
    pages: int

    @property
    def first(self) -> int:
        """Place of its first image among those chosen, from 1; 0 where there is none."""
        return min((self.number - 1) * SHOWN + 1, self.total)

    @property
    def last(self) -> int:
        """Place of its last image."""
        return min(self.number * SHOWN, self.total)


def sheet(results: Results, choice: Choice, columns: Mapping[str, Sequence[str]], number: int = 1) -> Sheet:
    """A page of the chosen images; a number beyond the last gives the last.

    Raises:
        DataError: what is asked for is not there.
    """
    rows = chosen(results, choice, columns)
    pages = max(1, -(-len(rows) // SHOWN))
    number = min(max(number, 1), pages)
    of_page = rows[(number - 1) * SHOWN : number * SHOWN].tolist()
    called = decisions(results, choice.threshold)
    cards = [card(results, row, int(called[row]), choice.threshold, BARS) for row in of_page]
    return Sheet(cards, len(rows), number, pages)


def card(results: Results, row: int, called: int, threshold: float | None, most: int | None = None) -> Card:
    """What is said of an image.

    Args:
        results: of the subset.
        row: of the image.
        called: index of the class that it is called.
        threshold: at which it is called so; None: that of the run.
        most: of the bars; None: all classes.
    """
    target = int(results.scored.targets[row])
    loss = float(results.losses[row])
    return Card(
        row=row,
        image_id=results.scored.image_ids[row],
        truth=None if target == UNSEEN else results.classes[target],
        called=results.classes[called],
        code=called,
        is_right=called == target,
        loss=loss if np.isfinite(loss) else None,
        bars=_bars(results, row, target, threshold)[:most],
    )


def _bars(results: Results, row: int, target: int, threshold: float | None) -> list[Bar]:
    probabilities = results.scored.probabilities[row]
    order = np.argsort(-probabilities, kind="stable").tolist()
    limit: dict[int, float | None] = {}
    if results.positive is not None and len(results.classes) == BINARY:
        order = [results.positive, 1 - results.positive]
        limit[results.positive] = results.threshold if threshold is None else threshold
    return [
        Bar(results.classes[code], code, float(probabilities[code]), code == target, limit.get(code)) for code in order
    ]
