"""A run made again is the same, on either engine; what was changed in between is named."""

import json
from pathlib import Path

import pytest

from tests.integration.commands import TINY, Workplace, record


def reproduction(workplace: Workplace) -> Path:
    """The only one, and that the list of runs says what it is."""
    (path,) = (run for run in workplace.runs() if "reproductions" in run.parts)
    assert record(path)["status"] == "finished"
    (listed,) = json.loads(workplace.skinlab("runs", "kind=reproduction", "--json").out)
    assert workplace.path / listed["path"] == path
    return path


@pytest.mark.slow
def test_a_cntk_run_is_reproduced_to_the_bit(finished_run: Path, workplace: Workplace) -> None:
    done = workplace.skinlab("reproduce", str(finished_run), "--output", "outputs")
    assert done.code == 0, done.err + done.out
    assert (
        "nothing differs: code, packages, machine and data are as they were" in done.out or "differs: code" in done.out
    )
    assert done.out.splitlines()[-1].startswith("identical: the same bytes in 6 files: split.csv, metrics.jsonl, ")
    again = reproduction(workplace)
    assert record(again)["reproduces"] == str(finished_run.resolve())
    assert record(again)["config"] == record(finished_run)["config"]
    assert json.loads((again / "reproduction.json").read_text())["verdict"] == "identical"


@pytest.mark.slow
def test_a_torch_run_is_reproduced_to_the_bit_and_changed_data_are_named(workplace: Workplace, folder: Path) -> None:
    pytest.importorskip("torch", reason="PyTorch is missing: pip install 'skinlab[torch]'")
    data = ("dataset=folder", f"dataset.path={folder}", "network.image_size=32")
    run = workplace.train(*TINY[2:], "engine=torch", *data, "training.epochs=2")
    done = workplace.skinlab("reproduce", run.name, "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["verdict"] == "identical"
    (folder / "benign" / "03.jpg").write_bytes((folder / "benign" / "04.jpg").read_bytes() + b"\0")
    done = workplace.skinlab("reproduce", run.name, "--json")
    content = json.loads(done.out)
    assert done.code == 10, done.err
    assert content["verdict"] == "different"
    assert content["first"]["file"] == "split.csv"
    assert any("03 content (sha256)" in found["what"] for found in content["differences"]["data"])
