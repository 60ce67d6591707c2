"""`skinlab deploy RUN deployment=...`: put a run's bundle where it answers, and prove that it does."""

import json
import sys
from argparse import Namespace

from skinlab.commands.arguments import declaring_parser
from skinlab.errors import ConfigError

USAGE = """usage: skinlab deploy RUN [deployment=TARGET] [deployment.name=NAME] [deployment.KEY=VALUE ...] [options]

Put the bundle of a finished run where it answers. It is started, asked for the bundle's replay set, and trusted only if
every probability is the one that the run stored, to 1e-4; else it is taken away again.

  RUN              a run directory, or a folder with a copy of its bundle
  deployment=local an HTTP service on this machine, in the background: needs pip install 'skinlab[serve]' (default)
  deployment=azureml_online
                   a managed online endpoint of Azure ML: needs pip install 'skinlab[azure]'
  deployment=azureml_aci, deployment=azureml_aks
                   by Azure ML's SDK v1, out of Microsoft's support since June 2026: skinlab[azure_v1]
  deployment.name  its name (default: the name of the run's experiment)
  --replace        take the place of the deployment of this name; locally and online without losing a request
  --trust          upload a model to Azure that was not made here by you, or whose run was copied or changed since
  --dry-run        check, print what would be made as JSON, and make nothing; nobody is asked
  --config-dir DIR a folder with more choices, e.g. DIR/deployment/mine.yaml

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
    from skinlab.deployment.requesting import request as requested
    from skinlab.serving.portable.answering import RESEARCH_NOTE

    run, *overrides = options.overrides
    trusted = options.trust or options.dry_run
    request = requested(run, overrides, options.config_dirs, replace=options.replace, trusted=trusted)
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
    parser.add_argument("--trust", action="store_true")
    parser.add_argument("--dry-run", action="store_true")
    options = parser.parse_intermixed_args(argv)
    if options.help:
        return options
    if options.multirun:
        raise ConfigError("skinlab deploy puts one bundle in one place: leave out -m")
    if not options.overrides or "=" in options.overrides[0]:
        raise ConfigError("needs a run: skinlab deploy RUN [deployment.name=NAME]; see skinlab deploy --help")
    return options


def _say(line: str) -> None:
    sys.stderr.write(f"skinlab deploy: {line}\n")
