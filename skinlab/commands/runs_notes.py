"""`skinlab runs tag`, `untag` and `note`: what people say of a run."""

import sys
from pathlib import Path

from skinlab.commands.arguments import Parser
from skinlab.commands.runs import HELP
from skinlab.errors import ConfigError


def main(verb: str, argv: list[str]) -> int:
    """Run one of the three.

    Returns:
        0.

    Raises:
        SkinlabError: wrong arguments, no such run, or its notes.json cannot be read or written.
    """
    parser = Parser(f"runs {verb}")
    parser.add_argument("run", nargs="?")
    parser.add_argument("words", nargs="*", default=[])
    parser.add_argument("--output", type=Path)
    options = parser.parse_intermixed_args(argv)
    if options.help:
        sys.stdout.write(HELP)
        return 0
    if not options.words:
        what, form = ("its text", "TEXT") if verb == "note" else ("one tag or more", "NAME...")
        raise ConfigError(f"name a run and {what}: skinlab runs {verb} RUN {form}")
    from skinlab.run import Run
    from skinlab.runs import notes
    from skinlab.runs.naming import resolve

    path = Run.open(resolve(options.run, options.output)).path
    if verb == "note":
        known = notes.note(path, " ".join(options.words))
        sys.stdout.write(f"{path}: {len(known.notes)} note{'s' if len(known.notes) > 1 else ''}\n")
    else:
        known = (notes.tag if verb == "tag" else notes.untag)(path, options.words)
        sys.stdout.write(f"{path}: tags: {', '.join(known.tags) or 'none'}\n")
    return 0
