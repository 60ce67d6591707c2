"""The proof that what answers is what was evaluated: the replay set is sent, and its stored probabilities compared."""

from collections.abc import Sequence
from dataclasses import dataclass

from skinlab.deployment.client import Client
from skinlab.errors import DataError, DeploymentError
from skinlab.serving.bundle import TOLERANCE
from skinlab.serving.replay import Replayed, difference


@dataclass(frozen=True)
class Verified:
    """What came of it.

    Attributes:
        images: how many were compared.
        largest_difference: of a probability.
        image: the one that it was seen at; empty where there are none.
    """

    images: int
    largest_difference: float
    image: str

    @property
    def agrees(self) -> bool:
        """Whether it is the model that was evaluated, as far as a few images can tell."""
        return self.largest_difference <= TOLERANCE

    def said(self) -> str:
        """In words."""
        if not self.images:
            return "the bundle has no replay set: nothing was compared"
        images = f"{self.images} image{'' if self.images == 1 else 's'}"
        return f"replayed {images}: largest difference of a probability {self.largest_difference:.2g} ({self.image})"


def verify(client: Client, replay: Sequence[Replayed], classes: Sequence[str]) -> Verified:
    """Ask for each image of a replay set.

    Args:
        client: of the service.
        replay: may be empty.
        classes: in the order of the stored probabilities.

    Raises:
        DeploymentError: the service does not answer, or refuses an image.
    """
    worst, at = 0.0, ""
    for image in replay:
        try:
            served = client.score(image.content)["probabilities"]
        except DataError as error:
            raise DeploymentError(f"the service refuses {image.name} of the replay set: {error}") from error
        found = [float(served.get(name, float("nan"))) for name in classes] if len(served) == len(classes) else []
        off = difference(image.probabilities, found)
        if off >= worst:
            worst, at = off, image.name
    return Verified(len(replay), worst, at)
