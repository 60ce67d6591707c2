"""`skinlab runs diff RUN RUN`: only what differs."""

import sys
from dataclasses import asdict
from pathlib import Path

from skinlab.commands.arguments import Parser
from skinlab.commands.runs import HELP
from skinlab.errors import ConfigError

SHOWN = 20


def main(_verb: str, argv: list[str]) -> int:
    """Run the command.

    Returns:
        0, also where nothing differs.

    Raises:
        SkinlabError: wrong arguments, no such run, or a file of one cannot be read.
    """
    parser = Parser("runs diff")
    parser.add_argument("runs", nargs="*", default=[])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--output", type=Path)
    options = parser.parse_intermixed_args(argv)
    if options.help:
        sys.stdout.write(HELP)
        return 0
    if len(options.runs) != 2:  # noqa: PLR2004 - one and the other
        raise ConfigError("name two runs: skinlab runs diff RUN RUN")
    from skinlab import files
    from skinlab.run import Run
    from skinlab.runs.differences import between
    from skinlab.runs.naming import resolve

    one, other = (Run.open(resolve(name, options.output)) for name in options.runs)
    with files.as_written(one.path):
        found = between(one, other)
    if options.json:
        content = {subject: [asdict(each) for each in differences] for subject, differences in found.items()}
        sys.stdout.write(files.json_text({"runs": [str(one.path), str(other.path)], "differences": content}))
        return 0
    sys.stdout.write(f"{one.path} -> {other.path}\n")
    for subject, differences in found.items():
        sys.stdout.write(f"\n{subject}\n" + "".join(f"  {each}\n" for each in differences[:SHOWN]))
        if len(differences) > SHOWN:
            sys.stdout.write(f"  and {len(differences) - SHOWN} more; --json has all\n")
    sys.stdout.write("" if found else "nothing differs\n")
    if "numbers" in found:
        sys.stdout.write("\nWhether a difference of numbers is more than chance: skinlab compare\n")
    return 0
