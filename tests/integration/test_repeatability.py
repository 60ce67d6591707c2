"""The same declaration gives the same bits: in another process, with other loader workers, with other sinks."""

from pathlib import Path

import pytest

from tests.integration.commands import EVALUATED, TINY, Workplace, record

RESULTS = ("summary.json", "predictions.csv", "checkpoints/best.safetensors", "split.csv", "metrics.jsonl")


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory, cntk_home: Path) -> dict[str, Path]:
    """A run like `finished`, but with four loader workers and no tracking; and one with another seed."""
    workplace = Workplace(tmp_path_factory.mktemp("again"), cntk_home)
    done = workplace.skinlab("train", "-m", *TINY, *EVALUATED, "training.loader_workers=4", "seed=5,2")
    assert done.code == 0, done.err + done.out
    same, other = workplace.runs()
    return {"same": same, "other": other}


@pytest.mark.parametrize("name", RESULTS)
def test_a_second_run_gives_the_same_bytes(finished_run: Path, again: dict[str, Path], name: str) -> None:
    assert (again["same"] / name).read_bytes() == (finished_run / name).read_bytes()


def test_the_bundle_is_the_same_bytes(finished_run: Path, again: dict[str, Path]) -> None:
    for path in (finished_run / "bundle").iterdir():
        assert (again["same"] / "bundle" / path.name).read_bytes() == path.read_bytes()


def test_the_pages_have_the_same_numbers_curves_and_images(finished_run: Path, again: dict[str, Path]) -> None:
    # What run.json has of each run, the looks before them and the command after them, is on the page too.
    parts = [
        (run / "report.html").read_text().split('id="numbers"')[1].split('id="configuration"')[0]
        for run in (finished_run, again["same"])
    ]
    assert "data:image/jpeg;base64," in parts[0]
    assert parts[0] == parts[1]


@pytest.mark.parametrize("name", ["summary.json", "predictions.csv", "checkpoints/best.safetensors"])
def test_another_seed_gives_other_results(finished_run: Path, again: dict[str, Path], name: str) -> None:
    assert (again["other"] / name).read_bytes() != (finished_run / name).read_bytes()


def test_another_seed_of_training_keeps_the_split(finished_run: Path, again: dict[str, Path]) -> None:
    assert (again["other"] / "split.csv").read_bytes() == (finished_run / "split.csv").read_bytes()


def test_each_run_on_the_same_test_images_is_one_look_more(finished_run: Path, again: dict[str, Path]) -> None:
    first, second, third = (record(run)["test_looks"] for run in (finished_run, again["same"], again["other"]))
    assert first["test_subset"] == second["test_subset"] == third["test_subset"]
    assert third["looks"] == second["looks"] + 1
    assert second["looks"] > first["looks"] >= 1
    assert third["runs"] == third["looks"]
