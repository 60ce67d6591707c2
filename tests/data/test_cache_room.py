"""The cache stays below its size: the oldest goes first, what is used stays, a killed writer's room is free again."""

import gc
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from skinlab import paths
from skinlab.data.cache import decoded
from skinlab.data.cache_entries import Entry, entries, used_bytes
from skinlab.data.cache_room import make_room, reserved
from skinlab.data.sources.synthetic import load
from skinlab.errors import OutputError
from tests.data.data_builders import noise_image, synthetic_dataset
from tests.data.test_cache import hashed

SIZE = 32
BYTES = 4 * SIZE * SIZE * 3 + 128
"""Of the decoded images of a data set of these tests."""


def files(folder: Path, seed: int) -> list[str]:
    folder.mkdir(exist_ok=True)
    made = [folder / f"{seed}-{i}.png" for i in range(4)]
    for i, file in enumerate(made):
        noise_image(100 * seed + i).save(file)
    return [str(file) for file in made]


def fill(folder: Path, seed: int, *, last_use: float | None = None) -> Path:
    """Decode a data set, use it no more, and tell where it lies in the cache."""
    made = files(folder, seed)
    before = set(arrays())
    decoded(made, hashed(made), SIZE)
    (path,) = set(arrays()) - before
    if last_use is not None:
        os.utime(path, (last_use, last_use))
    return path


def arrays() -> list[Path]:
    return [entry.path for entry in entries() if entry.kind == "images"]


def cap(monkeypatch: pytest.MonkeyPatch, size: float) -> None:
    monkeypatch.setenv("SKINLAB_CACHE_GB", f"{size / 1e9:.9f}")


def test_what_was_not_used_for_longest_makes_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, older, new = (fill(tmp_path / "images", seed, last_use=1e9 + use) for seed, use in ((1, 5), (2, 3), (3, 9)))
    cap(monkeypatch, used_bytes() + BYTES - 1)
    fourth = fill(tmp_path / "images", 4)
    assert arrays() == [old, new, fourth]
    assert not older.with_suffix(".json").exists()
    assert used_bytes() <= int(float(os.environ["SKINLAB_CACHE_GB"]) * 1e9)


def test_being_used_again_counts_as_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = fill(tmp_path / "images", 1, last_use=1e9), fill(tmp_path / "images", 2, last_use=2e9 - 1e9 + 1)
    again = files(tmp_path / "images", 1)
    decoded(again, hashed(again), SIZE)
    assert arrays() == [second, first]
    cap(monkeypatch, used_bytes() + BYTES - 1)
    fill(tmp_path / "images", 3)
    assert first in arrays()
    assert second not in arrays()


def test_images_are_kept_as_long_as_any_part_of_them_is_referred_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = files(tmp_path / "images", 1)
    part = decoded(made, hashed(made), SIZE).images[1:][1:]
    (path,) = arrays()
    cap(monkeypatch, used_bytes() + BYTES - 1)
    with pytest.raises(OutputError, match="in use by running processes: wait for them, or raise cache_gb in "):
        fill(tmp_path / "images", 2)
    assert arrays() == [path]
    assert [entry.in_use for entry in entries() if entry.kind == "images"] == [True]
    del part
    gc.collect()
    assert not any(entry.in_use for entry in entries())
    fill(tmp_path / "images", 2)
    assert path not in arrays()


HOLD = """
import sys
from skinlab.data.cache import decoded
from tests.data.test_cache import hashed
images = decoded(sys.argv[1:], hashed(sys.argv[1:]), 32).images
print("ready", flush=True)
sys.stdin.read()
"""


def test_what_another_process_uses_is_kept_until_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = files(tmp_path / "images", 1)
    user = subprocess.Popen(
        [sys.executable, "-c", HOLD, *made],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert user.stdout is not None
    assert user.stdout.readline() == "ready\n"
    (path,) = arrays()
    cap(monkeypatch, used_bytes() + BYTES - 1)
    with pytest.raises(OutputError, match="in use by running processes"):
        make_room(BYTES)
    user.kill()
    user.communicate()
    make_room(BYTES)
    assert not path.exists()


def test_phantoms_of_this_process_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = load(synthetic_dataset())
    assert [entry.in_use for entry in entries()] == [True]
    cap(monkeypatch, used_bytes() + 10)
    with pytest.raises(OutputError, match="in use by running processes"):
        make_room(100)
    assert all(Path(path).exists() for path in manifest.paths)


def test_the_memory_of_hashes_is_never_deleted_to_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed(files(tmp_path / "images", 1))
    cap(monkeypatch, used_bytes() + 10)
    with pytest.raises(OutputError):
        make_room(100)
    assert [entry.kind for entry in entries()] == ["hashes.sqlite"]


def test_more_than_the_cache_may_hold_is_refused_before_anything_is_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = fill(tmp_path / "images", 1)
    cap(monkeypatch, 1000)
    made = files(tmp_path / "images", 2)
    with pytest.raises(OutputError) as caught:
        decoded(made, hashed(made), SIZE)
    assert str(caught.value) == (
        f"0.01 MB are needed in the cache folder {paths.cache()}, which may hold 0.00 MB: "
        f"raise cache_gb in {paths.home() / 'settings.toml'}, or SKINLAB_CACHE_GB"
    )
    assert arrays() == [kept]
    assert sorted(path.name for path in kept.parent.iterdir()) == sorted([kept.name, kept.with_suffix(".json").name])


RESERVE = """
import sys
from pathlib import Path
from skinlab.data.cache_room import reserved
from skinlab.data.storage import new_file
with new_file(Path(sys.argv[1]) / "a.npy") as temporary, reserved(temporary, 5000):
    print(temporary, flush=True)
    sys.stdin.read()
"""


def test_room_that_another_process_has_reserved_is_taken_until_it_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = paths.cache() / "images"
    writer = subprocess.Popen(
        [sys.executable, "-c", RESERVE, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    temporary = Path(writer.stdout.readline().strip())
    assert used_bytes() == temporary.stat().st_size == 5000
    cap(monkeypatch, 8000)
    with pytest.raises(OutputError, match="in use by running processes"), reserved(folder / ".tmp-npy-b", 5000):
        pass
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    with reserved(folder / ".tmp-npy-b", 5000):
        assert not temporary.exists()


def test_entries_of_other_rooms_are_counted_and_deleted_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = paths.cache() / "features" / "a.npz"
    other.parent.mkdir(parents=True)
    other.write_bytes(bytes(5000))
    assert entries() == [Entry("features", other, 5000, other.stat().st_mtime)]
    cap(monkeypatch, 6000)
    make_room(2000)
    assert entries() == []


def test_decoding_again_after_the_entry_was_deleted_gives_the_same(tmp_path: Path) -> None:
    made = files(tmp_path / "images", 1)
    first = np.array(decoded(made, hashed(made), SIZE).images)
    arrays()[0].unlink()
    assert np.array_equal(decoded(made, hashed(made), SIZE).images, first)
