"""One image from the web to its place in the local copy: fetched, decoded, renamed. Knows nothing of listings."""

from pathlib import Path

from skinlab.data import images
from skinlab.files import flushed
from skinlab.transfer import download as transfer
from skinlab.transfer.download import Part
from skinlab.transfer.web import FetchError, Web

LARGEST = 512 << 20  # bytes, where the source does not say a size
_VERIFIED_AT = 32  # pixels: every byte is decoded, few are kept


def download(web: Web, address: str, size: int | None, part: Part) -> None:
    """Bring `part` to the whole file, which is an image of `size` bytes.

    Raises:
        FetchError: it cannot be had, or is no image.
        StoppedError: the fetch is being stopped; the part stays.
        OSError: the disk is full or refuses.
    """
    kind = transfer.Kind("image/*,*/*;q=0.5", LARGEST, "an image", _damage)
    transfer.download(web, address, size, part, kind)


def _damage(path: Path) -> str | None:
    try:
        images.decode(path.read_bytes(), _VERIFIED_AT)
    except images.ImageError as error:
        return f"what came is no whole image: {error}"
    return None


def settle(part: Part, target: Path, resize: int | None) -> int:
    """The verified part under its final name, made smaller where asked.

    Returns:
        Bytes on disk.

    Raises:
        FetchError: it cannot be made smaller.
        OSError: the disk is full or refuses.
    """
    if resize is None:
        flushed(part.path)
        part.path.replace(target)
    else:
        smaller = part.path.with_suffix(".small")
        try:
            smaller.write_bytes(images.shrunk_jpeg(part.path.read_bytes(), resize))
        except images.ImageError as error:
            raise FetchError(str(error)) from error
        flushed(smaller)
        smaller.replace(target)
    part.remove()
    return target.stat().st_size
