"""`skinlab deployments`: lists what is deployed, shows keys and logs, restarts, deletes."""

import json
import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from skinlab.commands.arguments import Parser
from skinlab.commands.table import DEPLOYMENT_VERBS
from skinlab.config.suggest import did_you_mean, then_list
from skinlab.errors import ConfigError, SkinlabError

if TYPE_CHECKING:
    from skinlab.deployment.record import Record

USAGE = """usage: skinlab deployments [VERB NAME] [options]

List what `skinlab deploy` has put where, and look after it.

  --json             print the list as JSON

verbs:
  key NAME           print the key that it asks for, e.g. for its page or for curl
  logs NAME          print the end of its log (--lines N, default 50)
  restart NAME       begin anew with the same bundle and settings, but for SDK v1 without losing a request
  delete NAME        let it finish what it is at, stop it, remove it

The status is asked anew each time, of Azure too. A local service that says it runs has a process.
"""


def main(argv: list[str]) -> int:
    """Run `skinlab deployments ARGV`.

    Returns:
        0.

    Raises:
        ConfigError: wrong arguments, or there is no such deployment.
        DeploymentError: it does not do as it is told.
    """
    verbs = {"key": _key, "logs": _logs, "restart": _restart, "delete": _delete}
    if argv and not argv[0].startswith("-"):
        if argv[0] not in verbs:
            names = [verb.name for verb in DEPLOYMENT_VERBS]
            raise ConfigError(
                f"no command 'deployments {argv[0]}'{then_list(did_you_mean(argv[0], names), 'Commands', names)}"
            )
        return verbs[argv[0]](argv)
    parser = Parser("deployments")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(argv)
    if options.help:
        sys.stdout.write(USAGE)
        return 0
    return _list(options)


def _list(options: Namespace) -> int:
    from skinlab.deployment import record

    found = [(one, _status(one)) for one in record.everyone()]
    if options.json:
        sys.stdout.write(json.dumps([_values(one, status) for one, status in found], indent=2) + "\n")
    elif found:
        _print(found)
    else:
        sys.stdout.write("nothing is deployed: skinlab deploy RUN deployment.name=NAME\n")
    return 0


def _status(one: "Record") -> str:
    """What it does now; why that cannot be told, where it cannot."""
    from skinlab.deployment import targets

    try:
        return targets.find(one.target).status(one)
    except SkinlabError as error:
        return f"unknown: {error}"


def _values(one: "Record", status: str) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(one), "status": status}


def _print(found: "list[tuple[Record, str]]") -> None:
    rows = [("name", "target", "status", "address", "model", "replay difference")]
    rows += [
        (one.name, one.target, status, one.address, one.model_sha256[:12], _difference(one)) for one, status in found
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write(f"{line.rstrip()}\n")


def _difference(one: "Record") -> str:
    if one.replay is None or not one.replay.images:
        return "not compared"
    return f"{one.replay.largest_difference:.2g} ({one.replay.images} images)"


def _named(argv: list[str], parser: Parser) -> Namespace:
    """The options of a verb that takes the name of a deployment."""
    parser.add_argument("name", nargs="?")
    options = parser.parse_intermixed_args(argv[1:])
    if options.help:
        sys.stdout.write(USAGE)
    elif options.name is None:
        raise ConfigError(f"needs a name: skinlab deployments {argv[0]} NAME; skinlab deployments lists them")
    return options


def _key(argv: list[str]) -> int:
    options = _named(argv, Parser("deployments key"))
    if not options.help:
        from skinlab.deployment import record, targets

        found = record.require(options.name)
        key = targets.find(found.target).access(found).key
        if key is None:
            _say(f"{found.name} asks for no key")
        else:
            sys.stdout.write(f"{key}\n")
    return 0


def _logs(argv: list[str]) -> int:
    parser = Parser("deployments logs")
    parser.add_argument("--lines", type=int, default=50)
    options = _named(argv, parser)
    if not options.help:
        from skinlab.deployment import record, targets

        found = record.require(options.name)
        sys.stdout.write(targets.find(found.target).logs(found, max(1, options.lines)))
    return 0


def _restart(argv: list[str]) -> int:
    options = _named(argv, Parser("deployments restart"))
    if not options.help:
        from skinlab.deployment import record, targets

        found = record.require(options.name)
        again = targets.find(found.target).restart(found, _say)
        sys.stdout.write(f"{again.name}: {again.address}\n")
    return 0


def _delete(argv: list[str]) -> int:
    options = _named(argv, Parser("deployments delete"))
    if not options.help:
        from skinlab.deployment import record, targets

        found = record.require(options.name)
        targets.find(found.target).delete(found, _say)
        sys.stdout.write(f"{found.name}: deleted\n")
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"skinlab deployments: {line}\n")
