"""What was not made here by this user goes no further without --trust, and the refusal says what it would do."""

import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from skinlab import cli, paths, trust
from skinlab.errors import ConfigError, OutputError
from skinlab.reproduction import environment
from skinlab.run import Run
from skinlab.sweeps.declaration import declare
from skinlab.sweeps.state import Sweep
from tests.hostile.audit import Watch
from tests.runs.run_builders import make_run

NOT_OWN = "was not made here by you, or was changed since"


def changed(path: Path) -> Path:
    """A run whose record somebody changed."""
    record = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps(record | {"seed": 99}))
    return path


def copied(path: Path) -> Path:
    shutil.copytree(path, path.with_name("copy"))
    return path.with_name("copy")


def moved(path: Path) -> Path:
    return path.rename(path.with_name("moved"))


def put_in_its_place(path: Path) -> Path:
    """A copy under the very path of the run."""
    shutil.copytree(path, path.with_name("copy"))
    path.rename(path.with_name("gone"))
    return path.with_name("copy").rename(path)


def unmarked(path: Path) -> Path:
    """A run of a skinlab that knew no marks."""
    record = json.loads((path / "run.json").read_text())
    del record["mark"]
    (path / "run.json").write_text(json.dumps(record))
    return path


FOREIGN: list[Callable[[Path], Path]] = [changed, copied, moved, put_in_its_place, unmarked]


@pytest.mark.parametrize("made", FOREIGN)
def test_a_run_that_is_not_as_it_was_written_here_is_foreign(made: Callable[[Path], Path], tmp_path: Path) -> None:
    path = make_run(tmp_path / "runs" / "a", status="interrupted")
    assert Run.open(path).is_own()
    assert not Run.open(made(path)).is_own()


def test_another_user_or_another_home_has_another_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_run(tmp_path / "a")
    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path / "other"))
    assert not Run.open(path).is_own()
    Run.open(path).update(seed=1)
    assert Run.open(path).is_own()


def test_the_key_is_for_its_owner_alone(tmp_path: Path, quiet_home: Path) -> None:
    path = make_run(tmp_path / "a")
    (key,) = quiet_home.glob("trust-*.key")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    key.chmod(0o640)
    assert not Run.open(path).is_own()
    key.unlink()
    key.symlink_to(tmp_path / "elsewhere")
    assert not Run.open(path).is_own()
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("mark", [None, "", "0" * 64, 5, ["x"], "ä"])
def test_a_made_up_mark_is_none(mark: object, tmp_path: Path) -> None:
    path = make_run(tmp_path / "a")
    record = json.loads((path / "run.json").read_text()) | {"mark": mark}
    assert not trust.is_own(path, record)


def test_resuming_a_foreign_run_is_one_line_that_says_what_it_would_do(
    tmp_path: Path, harmless: Watch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("mlflow", reason="needs mlflow")
    declared = ("tracking=mlflow", "tracking.mlflow.uri=http://192.0.2.1:5000")
    path = changed(make_run(tmp_path / "a", *declared, status="interrupted"))
    before = sorted(file.name for file in path.rglob("*"))
    assert cli.main(["resume", str(path)]) == ConfigError.exit_code
    (line,) = capsys.readouterr().err.splitlines()
    assert NOT_OWN in line
    assert "reads the images of dataset=synthetic, and reports to http://192.0.2.1:5000 with your credentials" in line
    assert line.endswith("say --trust")
    assert sorted(file.name for file in path.rglob("*")) == before
    assert harmless.seen == []


def test_resuming_a_foreign_sweep_is_one_line_that_says_what_it_would_do(
    tmp_path: Path, harmless: Watch, capsys: pytest.CaptureFixture[str]
) -> None:
    declaration = declare(["sweep=tpe", "network.dropout=interval(0,0.5)", "sweep.storage=sqlite:////tmp/x.db"], [])
    record = {"declaration": declaration.record() | {"launcher": "submitit_slurm"}, "objectives": []}
    sweep = Sweep.create(tmp_path / "s", record | {"best": None, "pareto": []})
    sweep.end("finished")
    assert Sweep.open(tmp_path / "s").is_own()
    copied(tmp_path / "s")
    assert cli.main(["sweep", "resume", str(tmp_path / "copy")]) == ConfigError.exit_code
    (line,) = capsys.readouterr().err.splitlines()
    assert NOT_OWN in line
    assert f"reads presets of {tmp_path}, runs its trials by hydra/launcher=submitit_slurm, replaces a study in" in line
    assert harmless.seen == []


def reproducible(path: Path, lock: str = "numpy==1.26.4\n", **facts: object) -> Path:
    """A finished run with an environment.lock that somebody else wrote."""
    made = make_run(path, machine={"python": "3.11.7"}, dataset_fingerprint="a", split_hash="b", **facts)
    (made / "environment.lock").write_text("# environment\n" + lock)
    return made


def test_the_environment_of_a_foreign_run_is_not_built(
    tmp_path: Path, harmless: Watch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = reproducible(tmp_path / "a")
    assert cli.main(["reproduce", str(path), "--environment"]) == ConfigError.exit_code
    (line,) = capsys.readouterr().err.splitlines()
    assert NOT_OWN in line
    assert "installs 1 packages of its choice and runs them and commit aaaaaaaaaaaa of this checkout" in line
    assert harmless.seen == []


@pytest.mark.parametrize(
    ("lock", "facts"),
    [
        ("-i http://localhost:1/simple/x==1\n", {}),
        ("--index-url=http://localhost:1/==1\n", {}),
        ("a @ http://localhost:1/a.whl==1\n", {}),
        ("numpy==1 --hash=x\n", {}),
        ("numpy==https://x\n", {}),
        ("numpy==1\n", {"code": {"version": "0.1.0", "commit": "--upload-pack=touch pwned"}}),
        ("numpy==1\n", {"code": {"version": "0.1.0", "commit": "main"}}),
        ("numpy==1\n", {"code": {"version": "0.1.0 --index-url=x", "commit": None}}),
        ("numpy==1\n", {"machine": {"python": "/../tmp/evil.1"}}),
    ],
)
def test_a_name_version_commit_or_python_that_is_none_is_refused_also_with_trust(
    lock: str, facts: dict[str, object], tmp_path: Path, harmless: Watch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = reproducible(tmp_path / "a", lock)
    Run.open(path).update(**facts)
    assert cli.main(["reproduce", str(path), "--environment", "--trust"]) == OutputError.exit_code
    assert "is no name and version, commit or Python as skinlab records them" in capsys.readouterr().err
    assert not Path("pwned").exists()
    assert harmless.seen == []


def test_another_environment_lock_makes_a_run_foreign(tmp_path: Path) -> None:
    path = reproducible(tmp_path / "a")
    run = Run.open(path)
    assert run.is_own()
    assert not environment.is_own(run)
    run.update(environment_sha256=environment.files.sha256_of(path / "environment.lock"))
    assert environment.is_own(run)


def test_a_key_that_cannot_be_kept_makes_everything_foreign_and_nothing_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path / "file" / "home"))
    assert not Run.open(make_run(tmp_path / "a")).is_own()


def test_the_mark_is_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_run(tmp_path / "a")
    mine = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: mine + 1)
    assert not Run.open(path).is_own()
