"""What docs/tracking.md shows is accepted."""

import json
import re
import shlex
from pathlib import Path

import pytest

from skinlab.config import compose
from skinlab.tracking.mlflow import MANNERS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "tracking.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("line", re.findall(r"^    skinlab train (.*)$", PAGE, flags=re.MULTILINE))
def test_the_commands_declare(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())
    compose(shlex.split(re.sub(r'"\$\(.*\)"', "azureml://host/mlflow", line)))


def test_the_record_that_is_shown_is_json() -> None:
    (shown,) = re.findall(r'^    ("tracking": \{.*)$', PAGE, flags=re.MULTILINE)
    assert json.loads(f"{{{shown}}}")["tracking"]["mlflow"]["status"] == "delivered"


def test_mlflows_variables_are_named() -> None:
    assert all(name in PAGE for name in MANNERS if name != "MLFLOW_DISABLE_TELEMETRY")
    assert f"given {MANNERS['MLFLOW_HTTP_REQUEST_TIMEOUT']} seconds a request" in PAGE
