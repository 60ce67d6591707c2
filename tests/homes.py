"""Homes for tests, with the CNTK runtime that is installed."""

from pathlib import Path


def make(folder: Path, runtimes_of: Path, cache: Path | None = None) -> Path:
    """Make an empty folder a home.

    Args:
        folder: the home.
        runtimes_of: the home whose runtimes it has.
        cache: of decoded images and drawn phantoms, shared with other homes; None: its own, which is empty.
    """
    (folder / "runtimes").symlink_to(runtimes_of / "runtimes")
    if cache is None:
        (folder / "cache").mkdir()
    else:
        (folder / "cache").symlink_to(cache)
    return folder
