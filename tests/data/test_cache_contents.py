"""Damage of every kind of entry is found by reading it again."""

from pathlib import Path

import numpy as np
import pytest

from skinlab import paths
from skinlab.data.audit.examine import examined
from skinlab.data.cache import decoded
from skinlab.data.cache_contents import Content, clear, content, damage
from skinlab.data.cache_entries import Entry, entries
from skinlab.data.hashes import memory_path, remembered
from skinlab.data.sources.synthetic import load
from tests.data.data_builders import synthetic_dataset
from tests.data.test_cache import hashed


@pytest.fixture
def filled(home: Path) -> dict[str, Entry]:
    """A cache with an entry of each kind, by kind; none is in use but the phantoms."""
    manifest = load(synthetic_dataset())
    digests = hashed(manifest.paths)
    examined(np.array(decoded(manifest.paths, digests, 32).images), digests, near=True)
    return {entry.kind: entry for entry in entries()}


def flip_byte(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def test_every_kind_tells_its_images_and_their_size(filled: dict[str, Entry]) -> None:
    assert {kind: content(entry) for kind, entry in filled.items()} == {
        "images": Content(20, 32),
        "synthetic": Content(20, 48),
        "audit": Content(20, None),
        "hashes.sqlite": Content(0, None),  # files written a moment ago are not remembered
    }


def test_what_was_not_touched_is_whole(filled: dict[str, Entry]) -> None:
    assert {damage(entry) for entry in filled.values()} == {None}


def test_one_wrong_bit_of_a_decoded_image_is_found(filled: dict[str, Entry]) -> None:
    flip_byte(filled["images"].path, -1)
    assert damage(filled["images"]) == "the pixels are not those that were written"


def test_one_wrong_bit_of_a_phantom_is_found_and_named(filled: dict[str, Entry]) -> None:
    flip_byte(filled["synthetic"].path / "phantom_00007.png", 100)
    assert str(damage(filled["synthetic"])).startswith("phantom_00007.png: broken PNG file")


def test_a_missing_phantom_is_counted(filled: dict[str, Entry]) -> None:
    (filled["synthetic"].path / "phantom_00003.png").unlink()
    assert damage(filled["synthetic"]) == "1 of 20 images are missing"


def test_a_wrong_bit_of_the_audit_is_found(filled: dict[str, Entry]) -> None:
    path = filled["audit"].path
    with np.load(path) as stored:
        place = path.read_bytes().index(stored["brightness"].tobytes())
    flip_byte(path, place)
    assert str(damage(filled["audit"])).startswith("cannot be read: Bad CRC-32")


def test_a_damaged_memory_of_hashes_is_found(filled: dict[str, Entry]) -> None:
    memory_path().write_bytes(b"SQLite format 3\0" + bytes(500))
    assert damage(filled["hashes.sqlite"]) is not None


@pytest.mark.parametrize("kind", ["images", "synthetic", "audit"])
def test_a_damaged_head_is_found_and_tells_nothing(filled: dict[str, Entry], kind: str) -> None:
    path = filled[kind].path
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        file.write_bytes(b"nonsense")
    assert damage(filled[kind]) is not None
    assert content(filled[kind]) in (Content(), Content(20, None))


def test_the_memory_of_hashes_is_emptied_not_deleted(filled: dict[str, Entry]) -> None:
    assert clear(filled["hashes.sqlite"])
    assert memory_path().exists()
    assert remembered() == 0


def test_looking_changes_no_last_use(filled: dict[str, Entry]) -> None:
    for entry in filled.values():
        content(entry)
        damage(entry)
    assert {entry.kind: entry.last_use for entry in entries()} == {k: entry.last_use for k, entry in filled.items()}
    assert paths.cache().is_dir()
