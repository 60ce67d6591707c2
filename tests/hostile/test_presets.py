"""Presets from outside declare values: what they say to Hydra, and what they would look up, is refused by name."""

import re
from pathlib import Path

import pytest

from skinlab import cli
from skinlab.config import compose
from skinlab.config.outside import faults, has_resolver, taken_up
from skinlab.errors import ConfigError
from tests.hostile.audit import Watch

CALL = "{_target_: skinlab.children.run, command: [touch, pwned]}"
GLOBAL = "# @package _global_\n"
HOSTILE = {
    "a callback": GLOBAL + f"hydra:\n  callbacks:\n    x: {CALL}\n",
    "a handler of logs": GLOBAL + "hydra: {job_logging: {handlers: {x: {(): skinlab.children.run}}}}\n",
    "the environment of jobs": GLOBAL + "hydra: {job: {env_set: {PATH: /tmp}}}\n",
    "where runs lie": GLOBAL + "hydra: {run: {dir: /tmp/x}}\n",
    "lines of sbatch": GLOBAL + "hydra: {launcher: {setup: ['touch pwned']}}\n",
    "a launcher of its own": GLOBAL + f"hydra: {{launcher: {CALL}}}\n",
    "a line break in a launcher's value": GLOBAL + 'hydra: {launcher: {partition: "gpu\\ntouch pwned"}}\n',
    "a launcher with an address": GLOBAL + "hydra: {launcher: {ray: {init: {address: 'ray://host'}}}}\n",
    "a launcher that is no mapping": GLOBAL + "hydra: {launcher: x}\n",
    "a node that is no mapping": GLOBAL + "hydra: x\n",
    "the package of callbacks": f"# @package hydra.callbacks\nx: {CALL}\n",
    "the package of Hydra": "# @package hydra\nrun: {dir: /tmp}\n",
    "the package in another form": f"# @package _global_.hydra.callbacks\nx: {CALL}\n",
    "a default in Hydra's package": GLOBAL + "defaults:\n  - /augmentation/flip_crop@hydra.callbacks\n",
    "a default of Hydra's": GLOBAL + "defaults:\n  - override hydra/job_logging: none\n",
    "a sweeper": GLOBAL + "defaults:\n  - override /hydra/sweeper: basic\n",
    "the environment": GLOBAL + "name: ${oc.env:SECRET_TOKEN}\n",
    "the environment by a hidden name": GLOBAL + "seed: 1\nname: '${oc.${dataset.name}:SECRET_TOKEN}'\n",
    "the environment in a default": GLOBAL + "defaults:\n  - /network: ${oc.env:SECRET_TOKEN}\n",
    "the environment inside a text": GLOBAL + "name: 'a ${oc.decode:${oc.env:SECRET_TOKEN}}'\n",
    "a resolver in a key": GLOBAL + "dataset: {classes: {'${oc.env:SECRET_TOKEN}': [a], b: [c]}}\n",
}


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of presets from somebody else, and a secret in the environment."""
    monkeypatch.setenv("SECRET_TOKEN", "tok_123")
    (tmp_path / "shared" / "experiment").mkdir(parents=True)
    return tmp_path / "shared"


COMPOSING = [("check", what) for what in HOSTILE] + [(verb, "a callback") for verb in ("train", "train -m")]


@pytest.mark.parametrize(("command", "what"), COMPOSING)
def test_a_preset_that_says_more_than_values_is_one_line(
    what: str, command: str, shared: Path, harmless: Watch, capsys: pytest.CaptureFixture[str]
) -> None:
    (shared / "experiment" / "mine.yaml").write_text(HOSTILE[what])
    code = cli.main([*command.split(), "--config-dir", str(shared), "experiment=mine", "training.epochs=1"])
    told = capsys.readouterr()
    assert code == ConfigError.exit_code
    assert re.search(r"experiment/mine\.yaml: .*(is for the command line|nothing is looked up for a file)", told.err)
    assert "Traceback" not in told.err
    assert "tok_123" not in told.out + told.err
    assert not Path("pwned").exists()
    assert not Path("outputs").exists()
    assert harmless.seen == []


def test_the_folder_conf_of_the_current_folder_is_outside_too(tmp_path: Path, harmless: Watch) -> None:
    (tmp_path / "conf" / "augmentation").mkdir(parents=True)
    (tmp_path / "conf" / "augmentation" / "mine.yaml").write_text(f"# @package hydra.callbacks\nx: {CALL}\n")
    with pytest.raises(ConfigError, match="sets up Hydra"):
        compose(["augmentation=mine"])
    assert harmless.seen == []


def test_a_file_that_another_brings_along_is_read_by_the_same_rule(shared: Path, harmless: Watch) -> None:
    (shared / "experiment" / "mine.yaml").write_text(GLOBAL + "defaults:\n  - deeper\n")
    (shared / "experiment" / "deeper.yaml").write_text(HOSTILE["a callback"])
    with pytest.raises(ConfigError, match=r"deeper\.yaml: hydra\.callbacks"):
        compose(["experiment=mine"], [shared])
    assert harmless.seen == []


def test_values_references_and_a_launcher_are_what_a_preset_may_say(shared: Path) -> None:
    (shared / "experiment" / "mine.yaml").write_text(
        GLOBAL + "defaults:\n  - override /hydra/launcher: joblib\n"
        "name: size-${network.image_size}\nhydra: {launcher: {n_jobs: 2}}\n"
    )
    assert compose(["experiment=mine"], [shared]).config.name == "size-72"


def test_a_typed_override_may_read_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_NAME", "mine")
    assert compose(["name=${oc.env:MY_NAME}"]).config.name == "mine"


def test_hydras_own_folders_are_refused_and_a_launcher_with_sizes_is_not() -> None:
    assert list(faults("hydra/job_logging/mine", "", {"version": 1}))
    assert list(faults("hydra/launcher/mine", "", {"setup": ["x"]}))
    assert not list(faults("hydra/launcher/mine", "", {"defaults": ["submitit_slurm"], "partition": "gpu"}))


@pytest.mark.parametrize("text", ["${a:b}", "${oc.env:A}", "${${a}}", "\\${a:b}", "${a", "${.a}${b:}", "${a['b']}"])
def test_what_is_more_than_the_name_of_a_key_is_a_resolver(text: str) -> None:
    assert has_resolver(text)


@pytest.mark.parametrize(
    "text",
    [
        "+hydra.callbacks.x={_target_: skinlab.children.run}",
        "hydra.job_logging={}",
        "hydra/job_logging=x",
        "hydra.launcher.setup=[touch pwned]",
        "hydra.launcher.partition='a\nb'",
        "hydra/launcher=mine",
        "hydra.sweep.subdir=../..",
        "+augmentation@hydra.callbacks=x",
        "++hydra.launcher._target_=x",
        "~hydra.launcher",
    ],
)
def test_of_a_recorded_sweep_nothing_else_of_hydra_is_taken_up(text: str) -> None:
    assert taken_up([text]) == ([], [text])
