"""Finding image files below a folder, and naming them; everything that is there is accounted for."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from skinlab.data.decoding import HEAD, looks_like_image
from skinlab.data.manifest import LeftAside
from skinlab.data.spellings import composed
from skinlab.errors import DataError

IMAGE_EXTENSIONS = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".tif", ".tiff", ".bmp", ".webp", ".gif"}
    | {".jp2", ".j2k", ".jpf", ".jpx", ".j2c", ".jpc", ".ppm", ".pgm", ".pbm", ".pnm"}
    | {".heic", ".heif", ".hif", ".avif", ".dcm", ".dicom", ".dic"}
)
UNREAD_PICTURES = frozenset(
    {
        ".jxl",
        ".svg",
        ".psd",
        ".eps",
        ".raw",
        ".dng",
        ".cr2",
        ".cr3",
        ".nef",
        ".arw",
        ".orf",
        ".rw2",
        ".raf",
        ".tga",
        ".exr",
    }
)
"""Extensions of pictures in formats that are not read."""

HIDDEN, NO_EXTENSION = "hidden", "no extension"


def is_image(name: str) -> bool:
    """Whether a file name ends as image files do.

    Example:
        >>> is_image("ISIC_0000000.JPG"), is_image("notes.txt")
        (True, False)
    """
    return extension(name) in IMAGE_EXTENSIONS


def extension(name: str) -> str:
    """What follows the last dot of a file name, with it, in lower case.

    Example:
        >>> extension("a/b.JPG"), extension("a.b/c")
        ('.jpg', '')
    """
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 - a million names: no Path objects


def without_extension(path: str) -> str:
    """A relative path without the extension of an image file; other extensions belong to the name.

    Example:
        >>> without_extension("benign/a.jpg"), without_extension("lesion.v2")
        ('benign/a', 'lesion.v2')
    """
    return path[: path.rindex(".")] if is_image(path) else path


def find_images(root: Path) -> tuple[list[str], LeftAside]:
    """The image files below a folder, through links to folders too.

    A file is an image by its extension, or, where it has none, by how its content begins. Hidden folders and the copies
    of metadata that macOS packs (`__MACOSX`) are passed over.

    Args:
        root: the folder.

    Returns:
        Paths relative to `root` with `/` between the parts, sorted; and what else there is.

    Raises:
        DataError: no such folder, it cannot be read, or a file name is not text.
    """
    images: list[str] = []
    kinds: Counter[str] = Counter()
    pictures: list[str] = []
    for folder, prefix, _, names in walked(root):
        for name in names:
            kind = _kind(folder, name)
            path = f"{prefix}{name}"
            if kind is None:
                images.append(path)
                continue
            kinds[kind] += 1
            if kind in UNREAD_PICTURES or (kind not in (HIDDEN, NO_EXTENSION) and _begins_as_image(folder, name)):
                pictures.append(path)
    _check_text(images)
    return sorted(images), LeftAside(dict(sorted(kinds.items())), sorted(pictures))


def walked(root: Path) -> Iterator[tuple[str, str, Sequence[str], Sequence[str]]]:
    """Every folder below a folder, through links but once: its path, what goes before its names, folders and files.

    Raises:
        DataError: no such folder, or it cannot be read.
    """
    check_folder(root)
    visited: set[str] = set()
    for folder, folders, names in os.walk(root, onerror=_cannot_read, followlinks=True):
        real = os.path.realpath(folder)
        folders[:] = [] if real in visited else sorted(name for name in folders if not _is_hidden(name))
        if real not in visited:
            visited.add(real)
            prefix = Path(folder).relative_to(root).as_posix().removeprefix(".")
            yield folder, f"{prefix}/" if prefix else "", folders, names


def _kind(folder: str, name: str) -> str | None:
    """The kind of a file that is not read; None: it is an image."""
    if name.startswith("."):
        return HIDDEN
    kind = extension(name)
    if kind in IMAGE_EXTENSIONS or (not kind and _begins_as_image(folder, name)):
        return None
    return kind if kind.isprintable() and kind else NO_EXTENSION


def _is_hidden(folder: str) -> bool:
    return folder.startswith(".") or folder == "__MACOSX"


def _begins_as_image(folder: str, name: str) -> bool:
    """Whether a file's content begins as that of an image does; what cannot be read, or is no file, does not."""
    path = f"{folder}/{name}"
    try:
        if not os.path.isfile(path):  # noqa: PTH113 - as above; a pipe would be waited for
            return False
        with open(path, "rb") as stream:  # noqa: PTH123
            return looks_like_image(stream.read(HEAD))
    except OSError:
        return False


def check_folder(root: Path) -> None:
    """Refuses what is not a folder."""
    if not root.exists():
        raise DataError(f"no such folder: {root}")
    if not root.is_dir():
        raise DataError(f"not a folder: {root}")


def image_ids(paths: Sequence[str]) -> list[str]:
    """Unique names: the relative paths without extension, or with it where two files differ in that only.

    They are in Unicode's composed form, the same wherever the files came from.

    Example:
        >>> image_ids(["benign/a.jpg", "benign/b.jpg", "benign/b.png"])
        ['benign/a', 'benign/b.jpg', 'benign/b.png']
    """
    names: Sequence[str] = [composed(path) for path in paths]
    if len(set(names)) < len(names):  # two files whose names differ in nothing but their form
        names = paths
    short = [without_extension(path) for path in names]
    count = Counter(short)
    return [name if count[name] == 1 else path for name, path in zip(short, names, strict=True)]


def absolute(root: Path, relative: str) -> str:
    """The absolute path of a file that `find_images` found."""
    return str(root.absolute() / PurePosixPath(relative))


def _check_text(names: Iterable[str]) -> None:
    for name in names:
        if not name.isascii() and any("\udc80" <= character <= "\udcff" for character in name):
            raise DataError(f"a file name is not valid UTF-8: {name!a}; rename the file")


def _cannot_read(error: OSError) -> None:
    raise DataError(f"cannot list the folder {error.filename}: {error.strerror}") from error
