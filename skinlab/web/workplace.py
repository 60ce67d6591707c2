"""What the pages of one server share: the output folder, the opened data sets, and what the command named."""

from dataclasses import dataclass, field
from pathlib import Path

from skinlab import schema
from skinlab.web.image_sets import ImageSet, ImageSets


@dataclass(frozen=True)
class Workplace:
    """What was opened.

    Attributes:
        output: the folder of runs.
        dataset: whose labels are reviewed; None: no data set was named.
        runs: directories of runs whose predictions and findings go with it: one, the folds of a sweep, or none.
        audit: a file audit.json of the data set, where no run has one.
        sets: the data sets whose images may be shown; a page opens those that it needs.
    """

    output: Path
    dataset: schema.Dataset | None = None
    runs: tuple[Path, ...] = ()
    audit: Path | None = None
    sets: ImageSets = field(default_factory=ImageSets)

    def reviewed(self) -> ImageSet | None:
        """The data set under review.

        Raises:
            SkinlabError: it cannot be read.
        """
        return None if self.dataset is None else self.sets.open(self.dataset)
