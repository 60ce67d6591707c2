"""`skinlab runs archive` and `import`: a run as one file for another machine."""

import math
import sys
from argparse import Namespace
from pathlib import Path

from skinlab.commands.arguments import Parser
from skinlab.commands.runs import HELP
from skinlab.errors import ConfigError

MOST_GB = 20.0
"""An archive that unpacks to more is refused unless --most-gb says otherwise."""


def main(verb: str, argv: list[str]) -> int:
    """Run one of the two.

    Returns:
        0.

    Raises:
        SkinlabError: wrong arguments, no such run, a damaged archive, or a file that cannot be written.
    """
    parser = Parser(f"runs {verb}")
    parser.add_argument("name", nargs="?")
    parser.add_argument("--output", type=Path)
    if verb == "archive":
        parser.add_argument("--out", type=Path)
    else:
        parser.add_argument("--most-gb", type=float, default=MOST_GB)
    options = parser.parse_intermixed_args(argv)
    if options.help:
        sys.stdout.write(HELP)
        return 0
    (_archive if verb == "archive" else _import)(options)
    return 0


def _archive(options: Namespace) -> None:
    if options.name is None or options.out is None:
        raise ConfigError("name a run and a file: skinlab runs archive RUN --out FILE.zip")
    from skinlab.data.cache_room import gigabytes
    from skinlab.run import Run
    from skinlab.runs import archive
    from skinlab.runs.naming import resolve

    left_out = archive.pack(Run.open(resolve(options.name, options.output)), options.out)
    said = f"; left out: {', '.join(left_out)}" if left_out else ""
    sys.stdout.write(f"{options.out}: {gigabytes(options.out.stat().st_size)}{said}\n")


def _import(options: Namespace) -> None:
    if options.name is None:
        raise ConfigError("name a file: skinlab runs import FILE.zip")
    if not (math.isfinite(options.most_gb) and options.most_gb > 0):
        raise ConfigError(f"--most-gb {options.most_gb}: must be a number above 0")
    from skinlab import paths
    from skinlab.runs.importing import unpack

    output = options.output or paths.default_output()
    sys.stdout.write(f"imported: {unpack(Path(options.name), output, int(options.most_gb * 1e9))}\n")
