"""`skinlab verify NAME|ENDPOINT RUN`: does it answer as the run was evaluated?"""

import sys
from pathlib import Path

from skinlab.commands.arguments import Parser
from skinlab.errors import BundleError, ConfigError, DeploymentError

USAGE = """usage: skinlab verify NAME|ENDPOINT [RUN]

Send the replay set of a run's bundle to a service, and compare its answers with the probabilities that the run stored.
The largest difference is printed, and kept with the deployment.

  NAME      a deployment (skinlab deployments lists them)
  ENDPOINT  the address of a service, e.g. http://127.0.0.1:8000; its key: $SKINLAB_KEY
  RUN       a run directory, or a folder with a copy of its bundle (default: the run that was deployed)

Exit status: 0 if no probability is more than 1e-4 off, else 9.
"""


def main(argv: list[str]) -> int:
    """Run `skinlab verify ARGV`.

    Returns:
        0: the answers are those of the run.

    Raises:
        ConfigError: wrong arguments.
        BundleError: the bundle cannot be used, or has no replay set.
        DeploymentError: the service does not answer, or differently.
    """
    parser = Parser("verify")
    parser.add_argument("where", nargs="?")
    parser.add_argument("run", nargs="?", type=Path)
    options = parser.parse_args(argv)
    if options.help:
        sys.stdout.write(USAGE)
        return 0
    if options.where is None:
        raise ConfigError("needs a deployment: skinlab verify NAME|ENDPOINT [RUN]; see skinlab verify --help")
    from skinlab.deployment import record
    from skinlab.deployment.client import Client
    from skinlab.deployment.verifying import verify
    from skinlab.runs.naming import resolve
    from skinlab.serving import loading, replay

    known = record.require(options.where) if "://" not in options.where else None
    if known is None and options.run is None:
        raise ConfigError("needs a run to compare an address with: skinlab verify ENDPOINT RUN")
    bundle = loading.load(resolve(options.run) if options.run else Path(known.run if known else ""))
    held = replay.of(bundle)
    if not held:
        raise BundleError(f"{bundle.path} has no replay set (bundle.replay_images was 0): there is nothing to compare")
    found = verify(Client(options.where), held, bundle.classes)
    if known is not None:
        record.replayed(known, found.images, found.largest_difference)
    sys.stdout.write(f"{options.where}: {found.said()}\n")
    if not found.agrees:
        raise DeploymentError(f"{options.where} is not the model of {bundle.path}, or does not see images as it does")
    return 0
