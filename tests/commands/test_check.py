import json
import re

import pytest
import yaml

from skinlab.cli import main
from skinlab.commands import check
from skinlab.config import compose, to_dict
from skinlab.errors import ConfigError

PHANTOMS = ("experiment=debug", "dataset.images=24", "optimizer.minibatch_size=8")
UNTIMED = (*PHANTOMS, "--no-timing")


def test_a_right_declaration_is_told_in_one_line(capsys):
    assert check.main(["--declaration-only", "seed=3"]) == 0
    assert capsys.readouterr().out == (
        "ok: default: dataset=synthetic augmentation=flip_crop network=resnet18 method=finetune "
        "optimizer=momentum_sgd engine=cntk, 15 epochs, seed 3\n"
    )


def test_a_path_where_nothing_is_is_no_mistake_of_the_declaration_but_said(tmp_path, capsys):
    assert check.main(["--declaration-only", "dataset=folder", f"dataset.path={tmp_path / 'nowhere'}"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("ok: default: dataset=folder")
    assert said.err == (
        f"skinlab check: dataset.path={tmp_path / 'nowhere'}: there is no such folder or file on this machine now\n"
    )
    assert check.main(["--declaration-only", "dataset=folder", f"dataset.path={tmp_path}"]) == 0
    assert capsys.readouterr().err == ""


def test_json_of_the_declaration_alone_is_the_whole_declaration(capsys):
    check.main(["--declaration-only", "--json", "seed=3"])
    assert json.loads(capsys.readouterr().out) == to_dict(compose(["seed=3"]).config)


def test_show_is_yaml_with_interpolations_resolved(capsys):
    check.main(["dataset.image_size=96", "--show"])
    shown = yaml.safe_load(capsys.readouterr().out)
    assert shown["network"]["image_size"] == 96
    assert "hydra" not in shown


def test_options_and_overrides_come_in_any_order(capsys):
    check.main(["seed=1,2", "-m", "network.dropout=0.2,0.5", "--declaration-only"])
    assert capsys.readouterr().out.startswith("ok: 4 trials, the first: default: ")


def test_a_sweep_with_one_bad_value_is_refused(capsys):
    assert main(["check", "-m", "network.dropout=0.2,1.5"]) == 2
    assert capsys.readouterr().err == "skinlab check: network.dropout=1.5: must be at least 0 and below 1\n"


@pytest.mark.parametrize("option", ["--show", "--json"])
def test_a_sweep_is_not_one_declaration(option):
    with pytest.raises(ConfigError, match="print one declaration"):
        check.main(["-m", "seed=1,2", option])


def test_a_wrong_option_is_one_line(capsys):
    assert main(["check", "--shw"]) == 2
    assert capsys.readouterr().err == "skinlab check: unrecognized arguments: --shw; see skinlab check --help\n"


def test_config_dirs_may_be_repeated(tmp_path, capsys):
    for name in ("one", "two"):
        (tmp_path / name / "experiment").mkdir(parents=True)
        (tmp_path / name / "experiment" / f"{name}.yaml").write_text(f"# @package _global_\nname: {name}\n")
    folders = [word for name in ("one", "two") for word in ("--config-dir", str(tmp_path / name))]
    check.main(["experiment=two", "--declaration-only", *folders])
    assert capsys.readouterr().out.startswith("ok: two: ")


def test_help_needs_no_right_declaration(capsys):
    assert check.main(["nonsense", "--help"]) == 0
    assert capsys.readouterr().out.startswith("usage: skinlab check")


@pytest.fixture
def empty_home(tmp_path, monkeypatch):
    monkeypatch.setenv("SKINLAB_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("empty_home")
def test_the_images_are_counted_by_class_and_subset(capsys, tmp_path):
    assert main(["check", *UNTIMED]) == 0
    first, data, head, benign, malignant, source = capsys.readouterr().out.splitlines()
    assert first.startswith("ok: debug: dataset=synthetic ")
    assert data.startswith("data: 24 phantoms (")
    assert head.split() == ["train", "validation", "test"]
    rows = [line.split() for line in (benign, malignant)]
    assert [row[0] for row in rows] == ["benign", "malignant"]
    assert sum(int(number) for row in rows for number in row[1:]) == 24
    assert source.startswith("groups: ")
    assert source.endswith("; positive class: malignant; split: drawn, seed 0")
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


@pytest.mark.usefixtures("empty_home")
def test_json_has_declaration_data_timing_and_problems(capsys):
    assert main(["check", *UNTIMED, "--json", "evaluation.subgroups=[colour]"]) == 3
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert list(found) == ["declaration", "data", "timing", "problems"]
    assert found["declaration"]["name"] == "debug"
    assert (found["data"]["images"], found["timing"]) == (24, None)
    assert said.err.splitlines()[-1] == f"skinlab check: {found['problems'][0]}"


@pytest.mark.usefixtures("empty_home")
def test_images_that_are_not_there_end_with_the_exit_code_of_data(capsys):
    assert main(["check", "dataset=folder", "dataset.path=nowhere"]) == 3
    said = capsys.readouterr()
    assert said.out.startswith("declaration: default: dataset=folder")
    assert said.err == "skinlab check: no such folder: nowhere\n"


@pytest.mark.usefixtures("empty_home")
def test_each_data_set_of_a_sweep_is_looked_at(capsys):
    swept = ["-m", *UNTIMED, "split.seed=1,2", "evaluation.subgroups=null,[colour]"]
    assert main(["check", *swept]) == 3
    said = capsys.readouterr()
    assert said.out.startswith("declaration: 4 trials, the first: debug: ")
    assert said.err.splitlines()[-1].startswith("skinlab check: evaluation.subgroups: no column colour")


@pytest.mark.usefixtures("empty_home")
def test_a_method_without_epochs_says_that_none_is_timed(capsys):
    assert main(["check", *PHANTOMS, "method=featurize"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        "method=featurize: the network runs once over the images; no epoch of it is timed"
    )


@pytest.mark.cntk
@pytest.mark.usefixtures("home")
def test_an_epoch_is_timed_on_cntk_and_no_worker_stays(capsys, monkeypatch):
    monkeypatch.setattr("skinlab.commands.train.stop_on_sigterm", lambda: None)  # it would stay
    assert main(["check", *PHANTOMS]) == 0
    assert re.fullmatch(
        r"about \d+(\.\d)? s an epoch on CPU \(\d+ steps? measured\)", capsys.readouterr().out.splitlines()[-1]
    )
