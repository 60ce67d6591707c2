"""What a page is made of. Whoever has scored a model fills it in; the page is a function of it and of nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skinlab.evaluation.summary import UNSEEN


@dataclass(frozen=True)
class Scored:
    """The images that were scored.

    Attributes:
        image_ids: N names.
        targets: true classes, int64 [N].
        probabilities: float64 [N, C].
    """

    image_ids: Sequence[str]
    targets: NDArray[np.int64]
    probabilities: NDArray[np.float64]

    def of_known_label(self) -> "Scored":
        """Those whose label the model was trained on: the images that the numbers are of."""
        known = self.targets != UNSEEN
        ids = [name for name, kept in zip(self.image_ids, known, strict=True) if kept]
        return Scored(ids, self.targets[known], self.probabilities[known])


@dataclass(frozen=True)
class Picture:
    """An image of a gallery.

    Attributes:
        image_id: its name.
        truth: its class.
        decision: the class that it is called.
        probability: of the class that it is called.
        image: JPEG.
        heat: JPEG with the heat map of the decision above it; None where there is none.
    """

    image_id: str
    truth: str
    decision: str
    probability: float
    image: bytes
    heat: bytes | None


@dataclass(frozen=True)
class Galleries:
    """Images worth a look.

    Attributes:
        wrong: called what they are not, the surest first.
        uncertain: nearest to another decision.
        no_heat: why there are no heat maps; None where there are.
        places: height and width of the maps; None where there are none.
    """

    wrong: Sequence[Picture]
    uncertain: Sequence[Picture]
    no_heat: str | None = None
    places: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Facts:
    """Everything on the page.

    Attributes:
        title: what was scored.
        warning: that this is research software, and what else must be known before a number is read.
        remarks: what there is to say of the data and the split, one line each.
        result: the content of summary.json.
        scored: the images of its subset "test".
        galleries: some of them to look at.
        epochs: lines of metrics.jsonl; none where the method has no epochs.
        looks: `test_looks` of run.json or evaluation.json; None where none was counted.
        audit: the content of audit.json.
        config: the declaration.
        command: what was typed.
        origin: where the numbers come from: a name and what it is, in order.
    """

    title: str
    warning: str
    remarks: Sequence[str]
    result: dict[str, Any]
    scored: Scored
    galleries: Galleries
    audit: dict[str, Any]
    config: dict[str, Any]
    command: str
    origin: Sequence[tuple[str, str]]
    epochs: Sequence[dict[str, Any]] = field(default_factory=list)
    looks: dict[str, Any] | None = None
