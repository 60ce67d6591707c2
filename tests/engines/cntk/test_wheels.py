import base64
import hashlib
import sys
import zipfile
from pathlib import Path

import pytest

from skinlab.engines.cntk import wheels
from skinlab.errors import SetupError
from skinlab.files import sha256_of
from skinlab.transfer.wheels import Pin


def record_line(name: str, content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(content)}\n"


def make_wheel(folder: Path, name: str) -> Pin:
    """A wheel for CPython 3.6 on manylinux1 with one module, and its pin."""
    folder.mkdir(exist_ok=True)
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": b"x = 1\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp36-cp36m-manylinux1_x86_64\n",
    }
    record = "".join(record_line(path, content) for path, content in files.items()) + f"{info}/RECORD,,\n"
    path = folder / f"{name}-1.0-cp36-cp36m-manylinux1_x86_64.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, content in {**files, f"{info}/RECORD": record.encode()}.items():
            archive.writestr(inside, content)
    return Pin(name, "1.0", sha256_of(path))


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes wheels from, and nowhere else."""
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    return tmp_path / "index"


def test_fetch_and_install_put_the_wheel_into_the_other_interpreter(index: Path, tmp_path: Path) -> None:
    pin, said = make_wheel(index, "skinlab_probe"), []
    wheels.fetch([pin], tmp_path / "downloads", said.append)
    wheels.install([pin], tmp_path / "downloads", tmp_path / "site")
    assert said == ["fetching skinlab_probe 1.0"]
    assert (tmp_path / "site" / "skinlab_probe.py").read_text() == "x = 1\n"
    assert not (tmp_path / "site" / "__pycache__").exists()
    assert [path.suffix for path in (tmp_path / "downloads").iterdir()] == [".whl"]


def test_what_was_fetched_is_not_fetched_again(index: Path, tmp_path: Path) -> None:
    pin, said = make_wheel(index, "skinlab_probe"), []
    wheels.fetch([pin], tmp_path / "downloads", said.append)
    for path in index.iterdir():
        path.unlink()
    wheels.fetch([pin], tmp_path / "downloads", said.append)
    assert len(said) == 1


def test_a_truncated_wheel_and_left_overs_of_a_killed_set_up_are_replaced(index: Path, tmp_path: Path) -> None:
    pin, downloads = make_wheel(index, "skinlab_probe"), tmp_path / "downloads"
    wheels.fetch([pin], downloads, lambda _line: None)
    whole = next(downloads.iterdir())
    whole.write_bytes(whole.read_bytes()[:100])
    (downloads / ".fetch-old").mkdir()
    assert wheels.downloaded(pin, downloads) is None
    wheels.fetch([pin], downloads, lambda _line: None)
    assert wheels.downloaded(pin, downloads) == whole
    assert list(downloads.iterdir()) == [whole]


def test_a_wheel_with_another_hash_is_refused(index: Path, tmp_path: Path) -> None:
    make_wheel(index, "skinlab_probe")
    with pytest.raises(SetupError, match=r"could not fetch skinlab_probe 1\.0: .*run `skinlab setup cntk` again"):
        wheels.fetch([Pin("skinlab_probe", "1.0", "0" * 64)], tmp_path / "downloads", lambda _line: None)
    assert list((tmp_path / "downloads").iterdir()) == []


def test_a_package_that_the_index_lacks_is_named(index: Path, tmp_path: Path) -> None:
    index.mkdir()
    with pytest.raises(SetupError, match=r"could not fetch skinlab_probe 1\.0: ERROR: No matching distribution"):
        wheels.fetch([Pin("skinlab_probe", "1.0", "0" * 64)], tmp_path / "downloads", lambda _line: None)


def test_pip_settings_for_other_installs_do_not_matter(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("skinlab_probe==2.0\n")
    monkeypatch.setenv("PIP_CONSTRAINT", str(constraints))
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "elsewhere"))
    pin = make_wheel(index, "skinlab_probe")
    wheels.fetch([pin], tmp_path / "downloads", lambda _line: None)
    wheels.install([pin], tmp_path / "downloads", tmp_path / "site")
    assert (tmp_path / "site" / "skinlab_probe.py").exists()


def test_an_environment_without_pip_is_told_how_to_get_it(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(SetupError, match=f"{sys.executable} -m ensurepip"):
        wheels.fetch([make_wheel(index, "skinlab_probe")], tmp_path / "downloads", lambda _line: None)
