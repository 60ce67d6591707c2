"""The overlays of `skinlab predict --explain DIR`: one PNG an image, named by its row and its file."""

from pathlib import Path
from typing import TYPE_CHECKING

from skinlab import files

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from skinlab.serving.inputs import Given
    from skinlab.serving.loading import Bundle
    from skinlab.serving.scoring import Answer

LONGEST = 100
"""Bytes that are kept of a file's name: file systems take 255."""


class Overlays:
    """Writes the heat map of each image's decision into a folder.

    Args:
        folder: made where it does not exist.
        bundle: verified.

    Raises:
        BundleError: the bundle cannot explain its answers.
        OutputError: the folder cannot be made.
    """

    def __init__(self, folder: Path, bundle: "Bundle") -> None:
        from skinlab.serving.explaining import Explainer

        self._folder = folder
        self._explainer = Explainer(bundle)
        self._classes = bundle.classes
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise files.output_error(folder, error) from error

    def path(self, source: "Given") -> Path:
        """The overlay of an image."""
        stem = Path(source.path).stem.encode("utf-8", "replace")[:LONGEST].decode(errors="ignore")
        return self._folder / f"{source.row:06d}-{stem}.png"

    def write(self, source: "Given", image: "npt.NDArray[np.uint8]", answer: "Answer") -> None:
        """Write one."""
        from skinlab.evaluation.explain import overlay, png

        heat = self._explainer.heat_map(image, self._classes.index(answer.decision))
        files.write_bytes(self.path(source), png(overlay(image, heat)))
