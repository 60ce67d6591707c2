"""What docs/azure.md shows is accepted."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from skinlab import schema
from skinlab.config import compose

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "azure.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    skinlab deploy RUN (.*?)(?: --\S+)?$", PAGE, flags=re.MULTILINE)


@pytest.mark.parametrize("line", COMMANDS)
def test_the_commands_declare(line: str) -> None:
    assert compose(shlex.split(line)).config.deployment.workspace == "WORKSPACE"


def test_every_target_is_shown() -> None:
    shown = {compose(shlex.split(line)).config.deployment.target for line in COMMANDS}
    assert shown == {"azureml_online", "azureml_aci", "azureml_aks"}


def test_the_keys_of_the_table_exist() -> None:
    table = PAGE.partition("## What it is made of")[2].partition("## ")[0]
    named = set(re.findall(r"`deployment\.(\w+)`", table))
    assert named <= set(schema.AzureMlOnlineDeployment.__dataclass_fields__)
    assert len(named) > 5


def test_a_choice_of_ones_own_holds_the_place(tmp_path: Path) -> None:
    (text,) = re.findall(r"(?:^    .*\n)+", PAGE.partition("`deployment=ours`:")[2].partition("## ")[0], re.MULTILINE)
    (tmp_path / "deployment").mkdir()
    (tmp_path / "deployment" / "ours.yaml").write_text("\n".join(line[4:] for line in text.splitlines()))
    declared = compose(["deployment=ours", "deployment.instance_count=2"], [tmp_path]).config.deployment
    assert (declared.target, declared.workspace, declared.instance_count) == ("azureml_online", "skin", 2)
    assert yaml.safe_load((tmp_path / "deployment" / "ours.yaml").read_text())["resource_group"] == "lab"
