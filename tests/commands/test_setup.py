from pathlib import Path
from typing import Any

import pytest

from skinlab.commands import setup
from skinlab.engines.cntk import runtime


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the command asks of the runtime; nothing is set up."""
    calls: list[Any] = []

    def record(variant: str, python: Path | None, force: bool, report: runtime.Report) -> None:
        calls.append((variant, python, force))
        report("done")

    monkeypatch.setattr(runtime, "setup", record)
    return calls


def test_the_defaults_search_for_everything(asked: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert setup.main(["cntk"]) == 0
    assert asked == [("auto", None, False)]
    assert capsys.readouterr().out == "done\n"


def test_options_are_handed_on(asked: list[Any]) -> None:
    setup.main(["cntk", "--python", "/opt/python3.6", "--variant", "gpu", "--force"])
    assert asked == [("gpu", Path("/opt/python3.6"), True)]


@pytest.mark.parametrize("argv", [[], ["caffe"], ["cntk", "--variant", "tpu"]])
def test_an_unknown_engine_or_variant_is_a_usage_error(
    asked: list[Any], argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        setup.main(argv)
    assert asked == []
    assert "usage: skinlab setup" in capsys.readouterr().err
