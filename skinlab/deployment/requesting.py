"""From a run and what is declared to what is to be deployed: checked, before anything is made."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from skinlab import schema, trust
from skinlab.config import compose
from skinlab.config.redeclare import root
from skinlab.config.rules import DEPLOYMENT_NAME
from skinlab.deployment import record
from skinlab.deployment.base import Request
from skinlab.errors import ConfigError
from skinlab.run import RUN_FILE, Run
from skinlab.runs.naming import resolve
from skinlab.serving import loading

GROUP = "deployment"


def request(
    run: str | Path, overrides: Sequence[str], config_dirs: Sequence[Path], *, replace: bool, trusted: bool = False
) -> Request[Any]:
    """What is to be deployed.

    Args:
        run: a run directory or its short name, or a folder with a copy of its bundle.
        overrides: of the group `deployment` alone.
        config_dirs: folders with more choices.
        replace: whether it may take the place of the deployment of its name.
        trusted: whether a model that was not made here by this user may be uploaded.

    Raises:
        ConfigError: the declaration is wrong, the name is taken, or the model is foreign and goes elsewhere.
        OutputError: no run or several have this short name.
        BundleError: there is no bundle, or it cannot be used.
    """
    declared = _declared(overrides, config_dirs)
    found = resolve(run)
    bundle = loading.load(found)
    if isinstance(declared, schema.AzureDeployment):
        consequence = f"deploying it lets its model answer in your name, in workspace {declared.workspace}"
        trust.require(_is_own(found), trusted, found, consequence)
    name = declared.name or _name_of(found)
    before = record.find(name)
    if before is not None and not replace:
        raise ConfigError(f"there is a deployment {name} already ({before.address}): --replace takes its place")
    if before is not None and before.target != declared.target:
        raise ConfigError(f"{name} is deployed to {before.target}: delete it first, or choose another deployment.name")
    return Request(name, declared, bundle, found, before)


def _declared(overrides: Sequence[str], config_dirs: Sequence[Path]) -> schema.Deployment:
    """What is declared; nothing but the deployment can be here."""
    if other := [text for text in overrides if root(text) != GROUP]:
        raise ConfigError("\n".join(f"{text}: only {GROUP} can be declared here" for text in other))
    return compose(overrides, config_dirs).config.deployment


def _is_own(run: Path) -> bool:
    return (run / RUN_FILE).is_file() and Run.open(run).is_own()


def _name_of(run: Path) -> str:
    """The name of a run's experiment, if it will do."""
    name = str(Run.open(run).record["experiment"]) if (run / RUN_FILE).is_file() else run.name
    if not re.fullmatch(DEPLOYMENT_NAME, name):
        raise ConfigError(f"{name!r} cannot be the name of a deployment: choose one with deployment.name=NAME")
    return name
