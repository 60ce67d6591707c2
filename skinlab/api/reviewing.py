"""The review page inside a notebook: a server on loopback, on a thread of this process, and a frame that shows it."""

from html import escape
from os import PathLike
from pathlib import Path
from typing import Self

from skinlab import paths, schema
from skinlab.api.view import RunView
from skinlab.errors import ConfigError


class ReviewView:
    """The page as the last line of a cell; every change is on the disk before the page says so.

    Attributes:
        address: of the page; its key is in it, so it is for this user alone.
        height: of the frame, in pixels.
    """

    def __init__(self, dataset: schema.Dataset, runs: tuple[Path, ...], audit: Path | None, output: Path) -> None:
        from skinlab.web.door import Keys
        from skinlab.web.server import Server
        from skinlab.web.workplace import Workplace

        workplace = Workplace(output, dataset, runs, audit)
        workplace.reviewed()  # what cannot be read is said in the cell
        self._server = Server(workplace, keys=Keys.with_frame())
        self._server.start()
        self.address = f"{self._server.frame}/review"
        self.height = 600

    def close(self) -> None:
        """End the server; labels that were set stay. May be called twice."""
        self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return "the review page; show it as the last line of a cell, or open .address in a browser on this machine"

    def _repr_html_(self) -> str:
        address = escape(self.address)
        return (
            f'<iframe src="{address}" title="skinlab: review of labels" width="100%" height="{self.height}" '
            'referrerpolicy="no-referrer" style="border: 0"></iframe>'
        )


def review(
    dataset: schema.Dataset | schema.Config | RunView | str | PathLike[str],
    *,
    run: RunView | str | PathLike[str] | None = None,
    audit: str | PathLike[str] | None = None,
    height: int = 600,
) -> ReviewView:
    """Look at a data set's images and correct their labels, in a notebook, as `skinlab ui` does in a browser.

    The browser must be on this machine: the page answers to 127.0.0.1 alone. `close()` ends it, as the end of the
    process does.

    Args:
        dataset: what `compose` gives, a data set of it, a folder with one sub-folder a class, a table (.csv), or a run,
            whose data set it is then.
        run: a run, or the sweep of a cross-validation: its predictions order the images by suspicion. A run that is
            given as `dataset` is meant here, too.
        audit: audit.json or its folder; None: that of the run.
        height: of the frame, in pixels.

    Raises:
        SkinlabError: the data set or the run cannot be read.
        SetupError: the packages of `skinlab[web]` are missing.
    """
    from skinlab.web.opening import audit_file, dataset_at, runs_of
    from skinlab.web.server import require_packages

    require_packages()
    if height < 1:
        raise ConfigError(f"height={height}: must be at least 1 pixel")
    meant = dataset if run is None and isinstance(dataset, RunView) else run
    output = paths.default_output()
    runs = () if meant is None else runs_of(str(meant.path if isinstance(meant, RunView) else meant), output)
    match dataset:
        case RunView():
            declared = dataset.config.dataset
        case schema.Config():
            declared = dataset.dataset
        case str() | PathLike():
            declared = dataset_at(Path(dataset), [], [])
        case _:
            declared = dataset
    view = ReviewView(declared, runs, None if audit is None else audit_file(Path(audit)), output)
    view.height = height
    return view
