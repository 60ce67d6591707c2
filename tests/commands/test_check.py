import json

import pytest
import yaml

from skinlab.cli import main
from skinlab.commands import check
from skinlab.config import compose, to_dict
from skinlab.errors import ConfigError


def test_a_right_declaration_is_told_in_one_line(capsys):
    assert check.main(["seed=3"]) == 0
    assert capsys.readouterr().out == (
        "ok: default: dataset=synthetic augmentation=flip_crop network=resnet18 method=finetune "
        "optimizer=momentum_sgd engine=cntk, 15 epochs, seed 3\n"
    )


def test_a_path_where_nothing_is_is_said_and_no_mistake(tmp_path, capsys):
    assert check.main(["dataset=folder", f"dataset.path={tmp_path / 'nowhere'}"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("ok: default: dataset=folder")
    assert said.err == (
        f"skinlab check: dataset.path={tmp_path / 'nowhere'}: there is no such folder or file on this machine now\n"
    )
    assert check.main(["dataset=folder", f"dataset.path={tmp_path}"]) == 0
    assert capsys.readouterr().err == ""


def test_json_is_the_whole_declaration(capsys):
    check.main(["--json", "seed=3"])
    assert json.loads(capsys.readouterr().out) == to_dict(compose(["seed=3"]).config)


def test_show_is_yaml_with_interpolations_resolved(capsys):
    check.main(["dataset.image_size=96", "--show"])
    shown = yaml.safe_load(capsys.readouterr().out)
    assert shown["network"]["image_size"] == 96
    assert "hydra" not in shown


def test_options_and_overrides_come_in_any_order(capsys):
    check.main(["seed=1,2", "-m", "network.dropout=0.2,0.5"])
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
    check.main(["experiment=two", *folders])
    assert capsys.readouterr().out.startswith("ok: two: ")


def test_help_needs_no_right_declaration(capsys):
    assert check.main(["nonsense", "--help"]) == 0
    assert capsys.readouterr().out.startswith("usage: skinlab check")
