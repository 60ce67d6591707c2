"""The decoded cache: hit, rebuilt when damaged, whole or absent whatever happens to the processes that fill it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from skinlab import paths
from skinlab.data import cache, locks
from skinlab.data.cache import cache_key, decoded
from skinlab.data.hashes import sha256_of_files
from skinlab.data.images import read
from skinlab.errors import DataError, OutputError
from tests.data.data_builders import bound, noise_image
from tests.data.mutated_images import specimens


def make(tmp_path: Path, count: int = 5) -> list[str]:
    tmp_path.mkdir(exist_ok=True)
    files = [tmp_path / f"{i:04}.png" for i in range(count)]
    for i, file in enumerate(files):
        noise_image(i).save(file)
    return [str(file) for file in files]


def hashed(files: list[str]) -> list[str]:
    return [digest for digest in sha256_of_files(files)[0] if digest is not None]


def array_file() -> Path:
    [file] = (paths.cache() / "images").glob("*.npy")
    return file


def leftovers() -> list[Path]:
    return list((paths.cache() / "images").glob(".tmp-*"))


def forbid_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr(cache, "decode", refuse)


def test_rows_are_the_decoded_files_in_order(tmp_path: Path) -> None:
    files = make(tmp_path)
    images = decoded(files, hashed(files), 16).images
    assert isinstance(images, np.memmap)
    assert (images.shape, images.dtype) == ((5, 16, 16, 3), np.uint8)
    assert all(np.array_equal(images[i], read(file, 16)) for i, file in enumerate(files))
    assert leftovers() == []


def test_second_call_decodes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = make(tmp_path)
    first = decoded(files, hashed(files), 16)
    forbid_decoding(monkeypatch)
    second = decoded(files, hashed(files), 16)
    assert np.array_equal(first.images, second.images)


def test_key_depends_on_content_order_size_and_decode_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {
        cache_key(["aa", "bb"], 16),
        cache_key(["bb", "aa"], 16),
        cache_key(["aa", "bb"], 32),
        cache_key(["aa"], 16),
    }
    keys.add(cache_key(["aa", "bb"], 16, "ignore"))
    monkeypatch.setattr(cache, "decode_settings", lambda _: {"version": -1})
    keys.add(cache_key(["aa", "bb"], 16))
    assert len(keys) == 6


def test_what_was_unreadable_for_want_of_a_package_is_read_once_that_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.heic"
    path.write_bytes(specimens()["HEIC"])
    files = [str(path)]
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "pillow_heif", None)
        (missing,) = decoded(files, hashed(files), 16).unreadable
        assert "pip install" in missing[1]
    assert decoded(files, hashed(files), 16).unreadable == []


def test_unreadable_images_are_reported_and_the_others_kept(tmp_path: Path) -> None:
    files = make(tmp_path)
    Path(files[1]).write_bytes(b"")
    Path(files[3]).write_text("not an image")
    for _ in ("decoded", "cached"):
        result = decoded(files, hashed(files), 16)
        assert [row for row, _ in result.unreadable] == [1, 3]
        assert result.unreadable[0][1] == "the file is empty"
        assert np.array_equal(result.images, np.stack([read(files[i], 16) for i in (0, 2, 4)]))


def test_no_readable_image_gives_no_rows(tmp_path: Path) -> None:
    files = make(tmp_path, 2)
    for file in files:
        Path(file).write_bytes(b"")
    for _ in ("decoded", "cached"):
        result = decoded(files, hashed(files), 16)
        assert result.images.shape == (0, 16, 16, 3)
        assert len(result.unreadable) == 2


def damage_shorter(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def damage_longer(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"\0")


def damage_header(file: Path) -> None:
    file.write_bytes(b"\0" * 64 + file.read_bytes()[64:])


def damage_emptied(file: Path) -> None:
    file.write_bytes(b"")


def damage_other_shape(file: Path) -> None:
    np.save(file, np.zeros((5, 16, 16, 4), dtype=np.uint8))


def damage_notes(file: Path) -> None:
    file.with_suffix(".json").write_text("[[")


@pytest.mark.parametrize(
    "damage", [damage_shorter, damage_longer, damage_header, damage_emptied, damage_other_shape, damage_notes]
)
def test_damaged_file_is_made_again(tmp_path: Path, damage: object, caplog: pytest.LogCaptureFixture) -> None:
    files = make(tmp_path)
    expected = np.array(decoded(files, hashed(files), 16).images)
    assert callable(damage)
    damage(array_file())
    assert np.array_equal(decoded(files, hashed(files), 16).images, expected)
    assert "damaged" in caplog.text


def test_file_that_is_not_what_its_hash_says_never_enters_the_cache(tmp_path: Path) -> None:
    files = make(tmp_path)
    digests = hashed(files)
    noise_image(99).save(files[2])
    with pytest.raises(DataError, match=r"0002\.png has changed"):
        decoded(files, digests, 16)
    assert list((paths.cache() / "images").iterdir()) == []


def test_file_that_vanishes_is_named(tmp_path: Path) -> None:
    files = make(tmp_path)
    digests = hashed(files)
    Path(files[2]).unlink()
    with pytest.raises(DataError, match=r"0002\.png cannot be read: No such file"):
        decoded(files, digests, 16)


def test_progress_ends_at_the_number_of_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_BLOCK", 2)
    files = make(tmp_path)
    seen: list[tuple[int, int]] = []
    decoded(files, hashed(files), 16, lambda done, total: seen.append((done, total)))
    assert seen == [(2, 5), (4, 5), (5, 5)]


def test_block_length_never_changes_a_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = make(tmp_path)
    decoded(files, hashed(files), 16)
    whole = array_file().read_bytes()
    array_file().unlink()
    monkeypatch.setattr(cache, "_BLOCK", 1)
    decoded(files, hashed(files), 16)
    assert array_file().read_bytes() == whole


FILL = """
import json, os, resource, signal, sys
from skinlab.data import cache, locks
from skinlab.data.hashes import sha256_of_files
from skinlab.errors import OutputError
cache._BLOCK = 2
mode, *files = sys.argv[1:]
if mode == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
report = (lambda done, total: os.kill(os.getpid(), signal.SIGKILL)) if mode == "kill" else None
digests = json.loads(sys.stdin.read())
try:
    cache.decoded(files, digests, 16, report)
except OutputError as error:
    print(error)
"""


def start(mode: str, files: list[str]) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", FILL, mode, *files], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(hashed(files)))
    process.stdin.close()
    process.stdin = None
    return process


def test_two_processes_that_fill_it_together_both_succeed(tmp_path: Path) -> None:
    files = make(tmp_path, 40)
    processes = [start("fill", files) for _ in range(2)]
    for process in processes:
        process.communicate()
    assert [process.returncode for process in processes] == [0, 0]
    assert leftovers() == []
    images = decoded(files, hashed(files), 16).images
    assert all(np.array_equal(images[i], read(file, 16)) for i, file in enumerate(files))


def test_the_second_of_two_processes_waits_for_the_first_and_decodes_nothing(tmp_path: Path) -> None:
    files = make(tmp_path, 40)
    key = cache_key(hashed(files), 16)
    with locks.alone(paths.cache() / "images" / f".tmp-lock-{key}"):
        waiting = start("kill", files)  # it would be killed by decoding its first block
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(2)
        source = tmp_path / "other"
        filled = subprocess.run(
            [sys.executable, "-c", FILL, "fill", *files],
            input=json.dumps(hashed(files)),
            text=True,
            check=True,
            env=os.environ | {"SKINLAB_HOME": str(source)},
        )
        assert filled.returncode == 0
        for file in sorted((source / "cache" / "images").iterdir()):
            file.rename(paths.cache() / "images" / file.name)
    assert waiting.wait(30) == 0


def test_killed_process_leaves_nothing_that_is_taken_for_complete(tmp_path: Path) -> None:
    files = make(tmp_path)
    process = start("kill", files)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not list((paths.cache() / "images").glob("*.npy"))
    assert len(decoded(files, hashed(files), 16).images) == 5


def test_disk_that_takes_no_more_is_an_output_error_and_leaves_no_file(tmp_path: Path) -> None:
    process = start("full", make(tmp_path))
    output, _ = process.communicate()
    assert output.startswith("cannot use the cache folder ")
    assert "SKINLAB_HOME" in output
    assert list((paths.cache() / "images").iterdir()) == []


def test_home_that_cannot_be_written_is_an_output_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = make(tmp_path)
    digests = hashed(files)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SKINLAB_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(OutputError, match=r"file/home/cache/images: Not a directory"):
        decoded(files, digests, 16)


def test_cache_that_may_only_be_read_gives_what_is_in_it_and_refuses_what_is_not(tmp_path: Path) -> None:
    known, new = make(tmp_path / "known"), make(tmp_path / "new", 3)
    expected = {name: json.dumps(hashed(files)) for name, files in (("known", known), ("new", new))}
    decoded(known, hashed(known), 16)
    folder = paths.cache() / "images"
    before = sorted(folder.iterdir())
    for path in (folder, folder.parent):
        path.chmod(0o500)
    try:
        words = [sys.executable, "-c", FILL, "fill"]
        there = bound(*words, *known, input=expected["known"])
        missing = bound(*words, *new, input=expected["new"])
    finally:
        for path in (folder.parent, folder):
            path.chmod(0o700)
    assert (there.returncode, there.stdout) == (0, "")
    assert missing.returncode == 0
    assert missing.stdout.startswith(f"cannot use the cache folder {folder}: Permission denied; free space there, or ")
    assert missing.stdout.count("\n") == 1
    assert sorted(folder.iterdir()) == before
