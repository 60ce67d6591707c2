import hashlib
from pathlib import Path

import numpy as np
import pytest

from skinlab import paths
from skinlab.cli import main
from skinlab.commands.complete import candidates
from skinlab.networks import weights
from skinlab.networks.pretrained import registry


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """One network, whose file has this content; no server has it."""
    content = b"weights"
    source = registry.WebSource("net.pth", hashlib.sha256(content).hexdigest(), "https://127.0.0.1:9/net.pth")
    monkeypatch.setattr(registry, "everything", lambda: (registry.Published("net", 12, (source,), [], []),))
    return content


def test_the_list_says_what_is_here_and_where_the_rest_comes_from(
    known: bytes, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["weights"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "net            not here: 12 MB from 127.0.0.1:9",
        f"folder: {home / 'weights'}",
    ]
    (home / "weights").mkdir(parents=True)
    (home / "weights" / "net.pth").write_bytes(known)
    assert main(["weights", "list"]) == 0
    assert capsys.readouterr().out.startswith("net            net.pth\n")


def test_fetching_what_is_here_says_where_it_is(known: bytes, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "weights").mkdir(parents=True)
    (home / "weights" / "net.pth").write_bytes(known)
    assert main(["weights", "fetch", "net"]) == 0
    digest = hashlib.sha256(known).hexdigest()
    assert capsys.readouterr().out == f"net: {home / 'weights' / 'net.pth'}, SHA-256 {digest}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fetch"], "which network? There are: alexnet, "),
        (["fetch", "resnet81"], "no published weights for 'resnet81'; did you mean 'resnet18'? There are: alexnet, "),
        (["fecth"], "no action 'fecth'; did you mean 'fetch'? Actions: list, fetch, convert"),
        (["list", "resnet18"], "weights list takes no arguments, not resnet18"),
        (["convert", "a.pth"], "convert needs two names: FROM.pth TO.safetensors"),
        (["convert", "a.pth", "b.safetensors"], "a.pth cannot be read as weights: No such file or directory"),
    ],
)
def test_a_mistake_is_one_line(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", *words]) == 2
    assert capsys.readouterr().err.startswith(f"skinlab weights: {message}")


def test_a_pth_file_is_converted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch = pytest.importorskip("torch", reason="torch is missing: pip install torch")
    before, after = tmp_path / "a.pth", tmp_path / "a.safetensors"
    torch.save({"fc.weight": torch.eye(2), "bn.num_batches_tracked": torch.tensor(3)}, before)
    assert main(["weights", "convert", str(before), str(after)]) == 0
    assert "1 arrays, SHA-256 " in capsys.readouterr().out
    loaded = weights.load(after)
    assert list(loaded) == ["fc.weight"]
    np.testing.assert_array_equal(loaded["fc.weight"], np.eye(2))


def test_actions_are_completed() -> None:
    assert candidates(["weights", ""]) == ["list", "fetch", "convert"]
    assert candidates(["weights", "f"]) == ["fetch"]
