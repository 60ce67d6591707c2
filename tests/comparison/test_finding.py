from pathlib import Path

import pytest

from skinlab.comparison.finding import find_runs
from skinlab.errors import DataError


def made(*names: str) -> None:
    for name in names:
        Path(name).mkdir(parents=True)
        (Path(name) / "run.json").write_text("{}")


def found(*words: str) -> list[str]:
    return [str(path) for path in find_runs(words, Path("outputs"))]


def test_a_run_a_sweep_a_pattern_and_an_experiment_are_found_each_run_once() -> None:
    made("one", "sweep/10", "sweep/9", "outputs/runs/base/a", "outputs/runs/base/b")
    assert found("one") == ["one"]
    assert found("sweep") == ["sweep/9", "sweep/10"]
    assert found("sweep/*") == ["sweep/9", "sweep/10"]
    assert found("base") == ["outputs/runs/base/a", "outputs/runs/base/b"]
    made("outputs/sweeps/base/s/0", "outputs/sweeps/searched/s/1", "outputs/sweeps/searched/s/0")
    for name in ("base", "searched"):
        Path(f"outputs/sweeps/{name}/s/sweep.json").touch()
    assert found("base")[2:] == ["outputs/sweeps/base/s/0"], "its sweeps are part of an experiment"
    assert found("searched") == ["outputs/sweeps/searched/s/0", "outputs/sweeps/searched/s/1"]
    assert found("one", "sweep", "sweep/9", str(Path("one").resolve())) == ["one", "sweep/9", "sweep/10"]
    assert found(f"{Path.cwd()}/sw*") == [f"{Path.cwd()}/sweep/9", f"{Path.cwd()}/sweep/10"]


def test_a_run_and_a_sweep_are_found_by_their_short_names() -> None:
    made("outputs/runs/base/20261122-205246-c4a78a", "outputs/runs/mine/20261123-101502-9b21f0")
    made(*(f"outputs/sweeps/mine/20261124-152210-acc496/{trial}" for trial in (0, 9, 10)))
    assert found("c4a78a", "20261123") == [
        "outputs/runs/base/20261122-205246-c4a78a",
        "outputs/runs/mine/20261123-101502-9b21f0",
    ]
    sweep = [f"outputs/sweeps/mine/20261124-152210-acc496/{trial}" for trial in (0, 9, 10)]
    assert found("acc496") == found("20261124-152210") == sweep
    assert found("acc496/9") == sweep[1:2]
    with pytest.raises(DataError, match="202611: 3 runs or sweeps are called so: .*c4a78a, .*9b21f0, .*acc496"):
        found("202611")


def test_what_means_nothing_is_said_with_the_nearest_experiment() -> None:
    made("outputs/runs/reference/a")
    Path("empty").mkdir()
    with pytest.raises(DataError, match=r"referense is neither .* in outputs \(did you mean reference\?\)"):
        found("referense")
    with pytest.raises(DataError, match=r"empty is neither a run nor a sweep: it has no run\.json"):
        found("empty")
    with pytest.raises(DataError, match=r"no run matches nothing\*"):
        found("nothing*")
    with pytest.raises(DataError, match="is neither a directory nor an experiment"):
        found("../outside")
