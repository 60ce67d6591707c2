"""Small images of many kinds, good and broken."""

import zlib
from pathlib import Path

import numpy as np
from PIL import Image

ORIENTATION = 0x0112


def picture(name: str) -> Image.Image:
    """An image of 40 x 30 pixels that follows from its name."""
    generator = np.random.default_rng(zlib.crc32(name.encode()))
    return Image.fromarray(generator.integers(0, 256, (30, 40, 3), dtype=np.uint8))


def add_unusual(folder: Path) -> set[str]:
    """Good images that are not plain RGB; gives their file names."""
    (folder / "deep.png").parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.arange(1200, dtype=np.uint16).reshape(30, 40) * 50).save(folder / "deep.png")
    picture("grey").convert("L").save(folder / "grey.jpg")
    picture("rgba").convert("RGBA").save(folder / "rgba.png")
    picture("cmyk").convert("CMYK").save(folder / "cmyk.jpg")
    rotated = Image.Exif()
    rotated[ORIENTATION] = 6
    picture("turned").save(folder / "turned.jpg", exif=rotated)
    return {"deep.png", "grey.jpg", "rgba.png", "cmyk.jpg", "turned.jpg"}


def add_broken(folder: Path) -> set[str]:
    """Files that only look like images; gives their file names."""
    (folder / "text.jpg").write_text("not an image")
    (folder / "empty.png").touch()
    picture("cut").resize((400, 300)).save(folder / "cut.jpg")
    whole = (folder / "cut.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    return {"text.jpg", "empty.png", "cut.jpg"}
