from pathlib import Path

import pytest

from skinlab.errors import OutputError
from skinlab.runs.naming import candidates, resolve
from tests.runs.run_builders import make_run


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("aaaa01", "runs/debug/20261101-100000-aaaa01"),
        ("20261102", "runs/debug/20261102-100000-bbbb02"),
        ("dddd04/3", "sweeps/lr/20261104-100000-dddd04/3"),
        ("latest", "sweeps/lr/20261104-100000-dddd04/3"),
    ],
)
def test_a_short_name_is_the_one_run_that_it_fits(output: Path, name: str, folder: str) -> None:
    assert resolve(name) == output / folder


def test_a_path_is_taken_as_it_is(output: Path) -> None:
    path = output / "runs/debug/20261101-100000-aaaa01"
    assert resolve(str(path)) == path
    assert resolve("./nowhere") == Path("nowhere")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("202611", "4 runs are called so: outputs/runs/debug/20261101-100000-aaaa01, "),
        ("a01", "no run in outputs has an id that begins or ends so"),
        ("ffff99", "`skinlab runs` lists them"),
    ],
)
def test_no_run_or_several_are_refused(output: Path, name: str, said: str) -> None:
    with pytest.raises(OutputError, match=said):
        resolve(name)


def test_the_whole_id_wins_over_the_end_of_another(output: Path) -> None:
    path = make_run(output / "runs/debug/aaaa01")
    assert resolve("aaaa01") == path


def test_latest_without_a_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="there is no run in"):
        resolve("latest", tmp_path)


def test_the_shell_is_offered_ids_by_their_beginning_and_their_last_part(output: Path) -> None:
    assert candidates("aa") == ["aaaa01"]
    assert candidates("dd") == ["dddd04/3"]
    assert candidates("lat") == ["latest"]
    assert candidates("20261103") == ["20261103-100000-cccc03"]
    assert len(candidates("")) == 5
