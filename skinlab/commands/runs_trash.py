"""`skinlab runs delete`, `restore` and `trash`: runs go to the trash, come back, or go for good."""

import sys
from argparse import Namespace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from skinlab.commands.arguments import Parser, seconds
from skinlab.commands.runs import HELP
from skinlab.errors import ConfigError, OutputError

if TYPE_CHECKING:
    from skinlab.runs.trash import Deleted

EMPTY = "empty"


def main(verb: str, argv: list[str]) -> int:
    """Run one of the three.

    Returns:
        0.

    Raises:
        SkinlabError: wrong arguments, no such run, one that is running, or a folder that cannot be written.
    """
    parser = Parser(f"runs {verb}")
    parser.add_argument("names", nargs="*", default=[])
    parser.add_argument("--output", type=Path)
    if verb == "trash":
        parser.add_argument("--older-than", metavar="AGE")
        parser.add_argument("--all", action="store_true")
    options = parser.parse_intermixed_args(argv)
    if options.help:
        sys.stdout.write(HELP)
        return 0
    if verb != "trash" and not options.names:
        raise ConfigError(f"name a run: skinlab runs {verb} RUN")
    {"delete": _delete, "restore": _restore, "trash": _trash}[verb](options)
    return 0


def _delete(options: Namespace) -> None:
    """Each of the runs; one that cannot be deleted does not keep the others."""
    from skinlab import paths
    from skinlab.run import Run
    from skinlab.runs import places, trash
    from skinlab.runs.naming import resolve

    runs = [Run.open(resolve(name, options.output)) for name in options.names]
    faults = []
    for run in runs:
        output = options.output or places.output_of(run.path) or paths.default_output()
        try:
            trash.delete(run, output)
            sys.stdout.write(f"in the trash: {run.path}\n")
        except OutputError as error:
            faults.append(str(error))
    if faults:
        raise OutputError("\n".join(faults))


def _restore(options: Namespace) -> None:
    from skinlab import paths
    from skinlab.runs import trash

    output = options.output or paths.default_output()
    for name in options.names:
        sys.stdout.write(f"restored: {trash.restore(trash.find(name, output), output)}\n")


def _trash(options: Namespace) -> None:
    from skinlab import paths
    from skinlab.data.cache_room import gigabytes
    from skinlab.runs import trash

    output = options.output or paths.default_output()
    inside = trash.content(output)
    if options.names == [EMPTY]:
        chosen = _chosen(options, inside)
        sys.stdout.write(f"deleted for good: {len(chosen)} of {len(inside)}, {gigabytes(trash.empty(chosen))}\n")
        return
    if options.names or options.all or options.older_than:
        raise ConfigError("skinlab runs trash, or skinlab runs trash empty --older-than 30d | --all")
    for deleted in inside:
        sys.stdout.write(
            f"{deleted.time[:16].replace('T', ' ')}  {gigabytes(trash.size(deleted)):>9}  {deleted.path}\n"
        )
    sys.stdout.write(f"{len(inside)} in the trash of {output}\n")


def _chosen(options: Namespace, inside: "list[Deleted]") -> "list[Deleted]":
    if options.all == (options.older_than is not None):
        raise ConfigError("say what to delete for good: --older-than 30d for what was deleted 30 days ago, or --all")
    if options.all:
        return inside
    limit = datetime.now(UTC) - timedelta(seconds=seconds(options.older_than, "--older-than"))
    return [deleted for deleted in inside if datetime.fromisoformat(deleted.time) < limit]
