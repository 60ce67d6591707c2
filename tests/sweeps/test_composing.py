import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hydra import initialize_config_dir
from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.core.utils import JobReturn, JobStatus
from hydra.types import HydraContext, RunMode
from omegaconf import OmegaConf

from skinlab.config import conf_dir, register_resolvers, search_path_overrides
from skinlab.sweeps.composing import Composer, Forget, context_of_trials

OF_HYDRA = ["hydra.mode=RUN", "hydra/job_logging=trial"]


@pytest.fixture
def loader() -> Iterator[Any]:
    register_resolvers()
    with initialize_config_dir(str(conf_dir()), job_name="skinlab", version_base="1.3"):
        yield GlobalHydra.instance().config_loader()


def master(loader: Any, overrides: list[str]) -> Any:
    return loader.load_configuration("config", [*OF_HYDRA, *overrides], RunMode.MULTIRUN)


def trial(number: int, *overrides: str) -> list[str]:
    return ["network=mobilenet_v2", "dataset=folder", "dataset.path=images", *overrides, f"hydra.sweep.subdir={number}"]


@pytest.mark.parametrize(
    "trials",
    [
        (("optimizer.learning_rate=0.1",), ("optimizer.learning_rate=0.2",), ("optimizer.learning_rate=0.1",)),
        (("seed=1", "network.dropout=0.5"), ("seed=2", "network.dropout=0"), ("seed=2", "network.dropout=0.5")),
        (("network=resnet18",), ("network=alexnet",), ("network=resnet18",)),
        (("optimizer=adam", "seed=1"), ("optimizer=sgd", "seed=1"), ("optimizer=sgd", "seed=2")),
        (("name='a=b'",), ('name="c,d"',), ("name=e",)),
        (("training.early_stopping.patience=3",), ("training.early_stopping.patience=null",)),
        (("seed=1", "seed=7"), ("seed=2", "seed=7"), ("seed=2", "seed=8")),
        (("split.seed=1", "split={seed:5}"), ("split.seed=2", "split={seed:5}")),
        (("seed=1",), ("seed=1", "network.dropout=0.3"), ("network.dropout=0.3", "seed=1")),
        (("dataset.classes=[a,b]",), ("dataset.classes=[c]",), ("dataset.classes=null",)),
        (("dataset.classes={a:x}",), ("dataset.classes={b:y}",), ("dataset.classes=[c]",)),
        (("+hydra.job.env_set.A=1",), ("+hydra.job.env_set.A=2",)),
    ],
    ids=lambda trials: trials[0][0],
)
def test_a_trial_is_composed_as_hydra_composes_it_whatever_came_before(loader: Any, trials: Any) -> None:
    whole, composer = master(loader, []), Composer(loader)
    for number, overrides in enumerate(trials):
        given = trial(number, *overrides)
        sent = pickle.loads(pickle.dumps(composer))  # noqa: S301 - as launchers do
        composed = sent.load_sweep_config(whole, given)
        expected = loader.load_sweep_config(whole, given)
        assert OmegaConf.to_yaml(composed) == OmegaConf.to_yaml(expected)
        composed.seed = 99  # what is done with a trial's declaration is not found in the next
        composed.hydra.job.num = number


def test_another_sweep_reads_the_files_again(loader: Any, tmp_path: Path) -> None:
    file = tmp_path / "optimizer" / "mine.yaml"
    file.parent.mkdir()
    whole = master(loader, search_path_overrides([tmp_path]))
    known = "name: sgd\nlearning_rate: 0.05\nminibatch_size: 32\n"
    found = []
    composers = [Composer(loader), Composer(loader)]
    for composer, decay in ((composers[0], 0.25), (composers[0], 0.5), (composers[1], 0.5)):
        file.write_text(f"{known}weight_decay: {decay}\n")
        found.append(composer.load_sweep_config(whole, trial(len(found), "optimizer=mine", f"seed={len(found)}")))
    assert [(one.optimizer.weight_decay, one.seed) for one in found] == [(0.25, 0), (0.25, 1), (0.5, 2)]


def test_a_launcher_holds_the_outcome_of_a_job_and_not_its_declarations(loader: Any) -> None:
    context = context_of_trials(HydraContext(config_loader=loader, callbacks=Callbacks()))
    returned = JobReturn(
        cfg=OmegaConf.create({"a": 1}), hydra_cfg=OmegaConf.create({"b": 1}), status=JobStatus.COMPLETED
    )
    returned.return_value = "outcome"
    context.callbacks.on_job_end(config=OmegaConf.create(), job_return=returned)
    assert isinstance(context.callbacks.callbacks[0], Forget)
    assert (returned.cfg, returned.hydra_cfg, returned.return_value) == (None, None, "outcome")
