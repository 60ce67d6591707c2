"""Copies of photographs as they turn up in collections, and drawn skin to make them of."""

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from skinlab.data.images import decode


def skin(seed: int, size: int = 160) -> Image.Image:
    """A dark blob on textured skin; the texture is what tells two of them apart."""
    rng = np.random.default_rng(seed)
    noise = Image.fromarray(rng.integers(0, 256, (size, size), dtype=np.uint8))
    texture = np.asarray(noise.filter(ImageFilter.GaussianBlur(3)), np.float64) - 128
    y, x = np.mgrid[:size, :size] / size - 0.5
    blob = 90 * np.exp(-(x**2 + y**2) / 0.03)
    grey = 180 - blob + 2.5 * texture
    pixels = grey[..., None] * [1, 0.8, 0.7] + [0, 10, 10]
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def saved(image: Image.Image, quality: int = 95) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def resized(image: Image.Image) -> Image.Image:
    return image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)


def cropped(image: Image.Image, seed: int = 0) -> Image.Image:
    """95 % of the width and height, from anywhere."""
    width, height = round(image.width * 0.95), round(image.height * 0.95)
    rng = np.random.default_rng(seed)
    left, top = rng.integers(0, image.width - width + 1), rng.integers(0, image.height - height + 1)
    return image.crop((left, top, left + width, top + height))


def flipped(image: Image.Image, seed: int = 0) -> Image.Image:
    ways = (Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.ROTATE_180)
    return image.transpose(ways[seed % 3])


COPIES = {
    "resized": lambda image, _seed: saved(resized(image)),
    "recompressed": lambda image, _seed: saved(image, 50),
    "flipped": lambda image, seed: saved(flipped(image, seed)),
    "cropped": lambda image, seed: saved(cropped(image, seed)),
    "all": lambda image, seed: saved(flipped(resized(cropped(image, seed)), seed), 50),
}


def originals_and_copies(files: list[Path], kind: str, size: int):
    """uint8 [2 N, size, size, 3]: the decoded files, then the copies of them in the same order."""
    plain = [decode(file.read_bytes(), size) for file in files]
    copies = []
    for seed, file in enumerate(files):
        with Image.open(file) as image:
            copies.append(decode(COPIES[kind](image.convert("RGB"), seed), size))
    return np.stack(plain + copies)
