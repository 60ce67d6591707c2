"""`skinlab deploy RUN deployment=...`: put a run's bundle where it answers, and prove that it does."""

import json
import re
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinlab.commands.arguments import declaring_parser
from skinlab.errors import ConfigError

if TYPE_CHECKING:
    from skinlab import schema
    from skinlab.deployment.base import Request

GROUP = "deployment"
USAGE = """usage: skinlab deploy RUN [deployment=local] [deployment.name=NAME] [deployment.KEY=VALUE ...] [options]

Put the bundle of a finished run where it answers. It is started, asked for the bundle's replay set, and trusted only if
every probability is the one that the run stored, to 1e-4; else it is taken away again.

  RUN               a run directory, or a folder with a copy of its bundle
  deployment=local  an HTTP service on this machine, in the background: needs pip install 'skinlab[serve]'
  deployment.name   its name (default: the name of the run's experiment)
  --replace         take the place of the deployment of this name, without losing a request
  --dry-run         check, print what would be made as JSON, and make nothing
  --config-dir DIR  a folder with more choices, e.g. DIR/deployment/mine.yaml

All keys of deployment=...: skinlab train --help. Then: skinlab score NAME IMAGE, skinlab deployments.

Research software: not a medical device, not for diagnosis.
"""


def main(argv: list[str]) -> int:
    """Run `skinlab deploy ARGV`.

    Returns:
        0.

    Raises:
        ConfigError: wrong arguments, or the name is taken.
        BundleError: there is no bundle, or it cannot be used.
        SkinlabError: the service does not come up, or does not answer as it should.
    """
    options = _options(argv)
    if options.help:
        sys.stdout.write(USAGE)
        return 0
    from skinlab.deployment import targets
    from skinlab.serving.portable.answering import RESEARCH_NOTE

    request = _request(options)
    target = targets.find(request.settings.target)
    if options.dry_run:
        sys.stdout.write(json.dumps(target.plan(request), indent=2) + "\n")
        return 0
    _say(RESEARCH_NOTE + (f"; {request.bundle.note}" if request.bundle.note else ""))
    made = target.deploy(request, _say)
    sys.stdout.write(f"{made.name}: {made.address}\n")
    return 0


def _options(argv: list[str]) -> Namespace:
    parser = declaring_parser("deploy")
    parser.add_argument("--replace", action="store_true")
    parser.add_argument("--dry-run", action="store_true")
    options = parser.parse_intermixed_args(argv)
    if options.help:
        return options
    if options.multirun:
        raise ConfigError("skinlab deploy puts one bundle in one place: leave out -m")
    if not options.overrides or "=" in options.overrides[0]:
        raise ConfigError("needs a run: skinlab deploy RUN [deployment.name=NAME]; see skinlab deploy --help")
    return options


def _request(options: Namespace) -> "Request[Any]":
    from skinlab.deployment import record
    from skinlab.deployment.base import Request
    from skinlab.serving import loading

    run = Path(options.overrides[0])
    declared = _declared(options)
    bundle = loading.load(run)
    name = declared.name or _name_of(run)
    before = record.find(name)
    if before is not None and not options.replace:
        raise ConfigError(f"there is a deployment {name} already ({before.address}): --replace takes its place")
    if before is not None and before.target != declared.target:
        raise ConfigError(f"{name} is deployed to {before.target}: delete it first, or choose another deployment.name")
    return Request(name, declared, bundle, run, before)


def _declared(options: Namespace) -> "schema.Deployment":
    """What is declared; nothing but the deployment can be here."""
    from skinlab.config import compose
    from skinlab.config.redeclare import root

    overrides = options.overrides[1:]
    if other := [text for text in overrides if root(text) != GROUP]:
        raise ConfigError("\n".join(f"{text}: only {GROUP} can be declared here" for text in other))
    return compose(overrides, options.config_dirs).config.deployment


def _name_of(run: Path) -> str:
    """The name of a run's experiment, if it will do."""
    from skinlab.config.rules import DEPLOYMENT_NAME
    from skinlab.run import RUN_FILE, Run

    name = str(Run.open(run).record["experiment"]) if (run / RUN_FILE).is_file() else run.name
    if not re.fullmatch(DEPLOYMENT_NAME, name):
        raise ConfigError(f"{name!r} cannot be the name of a deployment: choose one with deployment.name=NAME")
    return name


def _say(line: str) -> None:
    sys.stderr.write(f"skinlab deploy: {line}\n")
