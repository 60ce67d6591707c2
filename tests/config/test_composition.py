import dataclasses
import re
import shutil
from pathlib import Path

import pytest

from skinlab.config import compose, conf_dir, register_resolvers, search_path_overrides
from skinlab.config.places import choices, groups, places
from skinlab.config.rules import OPTIMIZERS
from skinlab.networks import timm_network

RUN_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")
WORKSPACE = ["deployment.subscription=s", "deployment.resource_group=g", "deployment.workspace=w"]
KNOWN = [
    *("ham10000", "milk10k", "bcn20000", "pad_ufes_20", "fitzpatrick17k", "fitzpatrick17k_c", "derm7pt", "ddi", "ph2"),
    *("dermamnist", "isic2016", "isic2017", "isic2018", "isic2019", "isic2020", "isic2024"),
]
NEEDED = {
    "tracking": {"azureml": ["tracking.azureml.uri=azureml://host/mlflow"]},
    "deployment": {
        "azureml_online": WORKSPACE,
        "azureml_aci": WORKSPACE,
        "azureml_aks": [*WORKSPACE, "deployment.cluster=farm"],
    },
    "dataset": {
        "folder": ["dataset.path=x"],
        **{name: ["dataset.path=x"] for name in KNOWN},
        "isic_challenge": ["dataset.path=x", "dataset.ground_truth=x.csv"],
        "isic_cli": ["dataset.path=x"],
        "table": ["dataset.path=x.csv"],
        "isic_archive": ["dataset.path=images"],
        "urls": ["dataset.path=images", "dataset.table_path=urls.csv"],
    },
    "optimizer": {name: [f"engine={engine}"] for engine, names in reversed(OPTIMIZERS.items()) for name in names},
    "network": {"timm": ["network.name=test_convnext", "engine=torch"]},
    "split": {"column": ["split.column=part"], "file": ["split.path=split.csv"]},
}
PRESET = "# @package _global_\nname: mine\nseed: 7\n"


def test_the_default_declaration_is_right():
    config = compose([]).config
    assert (config.name, config.dataset.name, config.engine.name) == ("default", "synthetic", "cntk")


def test_the_result_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        compose([]).config.seed = 3


def test_the_raw_tree_keeps_interpolations_and_leaves_hydra_out():
    raw = compose([]).raw
    assert "hydra" not in raw
    assert raw.network.image_size == raw.dataset.image_size == 72


def test_overrides_are_applied_in_order():
    assert compose(["seed=3", "seed=4"]).config.seed == 4


def test_image_size_follows_the_data_set():
    assert compose(["dataset.image_size=96"]).config.network.image_size == 96


def test_an_element_of_a_list_can_be_set():
    assert compose(["training.schedule.phases.1.factor=0.3"]).config.training.schedule.phases[1].factor == 0.3


def test_keys_of_a_section_can_be_set_together():
    optimizer = compose(["optimizer={learning_rate: 0.5, momentum: 0}"]).config.optimizer
    assert (optimizer.learning_rate, optimizer.momentum, optimizer.minibatch_size) == (0.5, 0.0, 32)


@pytest.mark.parametrize("name", choices("experiment", places()))
def test_every_shipped_experiment_composes(name):
    needs_path = name not in ("debug", "phantoms_shuffled")
    config = compose([f"experiment={name}", *(["dataset.path=images"] if needs_path else [])]).config
    assert config.name == name


@pytest.mark.parametrize("group", [group for group in groups(places()) if group != "experiment"])
def test_every_choice_of_every_group_composes(group, monkeypatch):
    timm_network.names()  # its packages look for others themselves
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())
    lacking = {"optimizer": {"adamw"} - set().union(*OPTIMIZERS.values())}  # refused, see test_rules
    for name in set(choices(group, places())) - lacking.get(group, set()):
        compose([f"{group}={name}", *NEEDED.get(group, {}).get(name, [])])


def test_debug_is_tiny():
    config = compose(["experiment=debug"]).config
    assert (config.dataset.images, config.network.image_size, config.training.epochs) == (48, 32, 2)


def test_the_negative_control_shuffles_labels():
    assert compose(["experiment=phantoms_shuffled"]).config.dataset.shuffle_labels


def test_overrides_win_over_a_preset():
    assert compose(["training.epochs=3", "experiment=debug"]).config.training.epochs == 3


def test_a_preset_beside_the_current_directory_is_found(write):
    write("conf/experiment/mine.yaml", PRESET)
    assert compose(["experiment=mine"]).config.seed == 7


def test_a_preset_in_a_config_dir_is_found(write):
    folder = write("more, [of] them/experiment/mine.yaml", PRESET).parents[1]
    assert compose(["experiment=mine"], [folder]).config.seed == 7


def test_a_config_yaml_of_another_program_is_left_alone(write):
    write("conf/config.yaml", "defaults: [model: big]\nlr: 3\n")
    write("conf/model/big.yaml", "layers: 3\n")
    assert compose([]).config.name == "default"
    assert "model" not in groups(places())


def test_a_preset_in_a_sub_folder_goes_by_its_path(write):
    write("conf/experiment/paper/table1.yaml", PRESET)
    assert compose(["experiment=paper/table1"]).config.name == "mine"


def test_a_name_that_two_folders_have_is_refused(write, mistakes):
    own = write("conf/experiment/debug.yaml", PRESET)
    (line,) = mistakes("experiment=debug")
    assert line.startswith("experiment=debug: found twice, rename your own: ")
    assert line.endswith(f" and {own}")


def test_a_copy_of_the_shipped_folder_is_no_conflict(project):
    shutil.copytree(conf_dir(), project / "conf")
    assert compose(["experiment=debug"]).config.name == "debug"


def test_the_shipped_folder_as_current_conf_is_not_searched_twice(monkeypatch):
    monkeypatch.chdir(conf_dir().parent)
    assert len(places()) == 1
    assert search_path_overrides() == []


def test_the_packaged_folder_comes_before_one_beside_the_package(tmp_path, monkeypatch):
    for folder in (tmp_path / "skinlab" / "conf", tmp_path / "conf"):
        folder.mkdir(parents=True)
        (folder / "config.yaml").touch()
    monkeypatch.setattr("skinlab.paths.__file__", str(tmp_path / "skinlab" / "paths.py"))
    assert conf_dir() == tmp_path / "skinlab" / "conf"


def test_a_missing_config_dir_is_named(mistakes):
    assert mistakes(config_dirs=[Path("nowhere")]) == ["--config-dir nowhere: no such folder"]


def test_composing_inside_a_hydra_job_leaves_its_state():
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        outer = GlobalHydra.instance().hydra
        compose([])
        assert GlobalHydra.instance().hydra is outer


def test_one_composition_has_one_run_id_and_another_has_another():
    from omegaconf import OmegaConf

    register_resolvers()
    register_resolvers()
    first, second = (OmegaConf.create({"a": "${skinlab_run_id:}", "b": "x/${skinlab_run_id:}"}) for _ in range(2))
    assert RUN_ID.fullmatch(first.a)
    assert first.b == f"x/{first.a}"
    assert second.a != first.a


def test_the_trials_of_a_sweep_share_its_folder():
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    register_resolvers()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        sweep = hydra_compose("config", ["hydra.job.config_name=config"], return_hydra_config=True)
        folder = sweep.hydra.sweep.dir
        trial = GlobalHydra.instance().config_loader().load_sweep_config(sweep, ["seed=2"])
    assert RUN_ID.search(folder)
    assert trial.hydra.sweep.dir == folder
