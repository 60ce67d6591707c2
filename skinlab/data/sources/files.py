"""Finding image files below a folder, and naming them; their content is not looked at."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from skinlab.errors import DataError

IMAGE_EXTENSIONS = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".tif", ".tiff", ".bmp", ".webp", ".gif"}
    | {".jp2", ".j2k", ".jpf", ".jpx", ".j2c", ".jpc", ".ppm", ".pgm", ".pbm", ".pnm"}
    | {".heic", ".heif", ".hif", ".avif", ".dcm", ".dicom", ".dic"}
)


def is_image(name: str) -> bool:
    """Whether a file name ends as image files do.

    Example:
        >>> is_image("ISIC_0000000.JPG"), is_image("notes.txt")
        (True, False)
    """
    return os.path.splitext(name)[1].lower() in IMAGE_EXTENSIONS  # noqa: PTH122 - a million names: no Path objects


def without_extension(path: str) -> str:
    """A relative path without the extension of an image file; other extensions belong to the name.

    Example:
        >>> without_extension("benign/a.jpg"), without_extension("lesion.v2")
        ('benign/a', 'lesion.v2')
    """
    return path[: path.rindex(".")] if is_image(path) else path


def find_images(root: Path) -> tuple[list[str], int]:
    """The image files below a folder, through links to folders too.

    Args:
        root: the folder.

    Returns:
        Paths relative to `root` with `/` between the parts, sorted; and how many files are not images. Hidden files
        and folders are passed over.

    Raises:
        DataError: no such folder, it cannot be read, or a file name is not text.
    """
    check_folder(root)
    images: list[str] = []
    others = 0
    visited: set[str] = set()
    for folder, folders, names in os.walk(root, onerror=_cannot_read, followlinks=True):
        real = os.path.realpath(folder)
        folders[:] = [] if real in visited else sorted(name for name in folders if not name.startswith("."))
        if real in visited:
            continue
        visited.add(real)
        prefix = Path(folder).relative_to(root).as_posix().removeprefix(".")
        shown = [name for name in names if not name.startswith(".")]
        taken = [f"{prefix}/{name}" if prefix else name for name in shown if is_image(name)]
        _check_text(taken)
        images += taken
        others += len(shown) - len(taken)
    return sorted(images), others


def check_folder(root: Path) -> None:
    """Refuses what is not a folder."""
    if not root.exists():
        raise DataError(f"no such folder: {root}")
    if not root.is_dir():
        raise DataError(f"not a folder: {root}")


def image_ids(paths: Sequence[str]) -> list[str]:
    """Unique names: the relative paths without extension, or with it where two files differ in that only.

    Example:
        >>> image_ids(["benign/a.jpg", "benign/b.jpg", "benign/b.png"])
        ['benign/a', 'benign/b.jpg', 'benign/b.png']
    """
    short = [without_extension(path) for path in paths]
    count = Counter(short)
    return [name if count[name] == 1 else path for name, path in zip(short, paths, strict=True)]


def absolute(root: Path, relative: str) -> str:
    """The absolute path of a file that `find_images` found."""
    return str(root.absolute() / PurePosixPath(relative))


def _check_text(names: Sequence[str]) -> None:
    for name in names:
        if not name.isascii() and any("\udc80" <= character <= "\udcff" for character in name):
            raise DataError(f"a file name is not valid UTF-8: {name!a}; rename the file")


def _cannot_read(error: OSError) -> None:
    raise DataError(f"cannot list the folder {error.filename}: {error.strerror}") from error
