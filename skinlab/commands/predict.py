"""`skinlab predict RUN PATH...`: what a run's bundle says of new images, as CSV or JSON lines."""

import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from skinlab.commands.arguments import Parser
from skinlab.commands.output import rows_to
from skinlab.commands.overlays import Overlays
from skinlab.commands.scoring_progress import scoring_bar
from skinlab.errors import ConfigError

if TYPE_CHECKING:
    from skinlab.serving.inputs import Given
    from skinlab.serving.rows import Format
    from skinlab.serving.scoring import Scorer

HELP = """usage: skinlab predict RUN PATH... [--format csv|jsonl] [--out FILE] [--tta VIEWS] [--explain DIR]

Score images with the bundle of a finished run. One row an image: path, the probability of each class, the most probable
class (label), the class that the bundle's threshold calls (decision), and why a file could not be read (error).

  RUN              a run directory, its short name (skinlab runs), or a folder with a copy of its bundle
  PATH             an image, a folder (searched below too), or - for a list of paths on standard input
  --format FORMAT  csv (default) or jsonl: a JSON object a line
  --out FILE       write to a file, which appears when it is whole (default: standard output, as rows are ready)
  --tta VIEWS      average over views: none, flips, dihedral (default: as the run was evaluated)
  --explain DIR    write an overlay of each image to DIR: where the network sees the class that it decided for
  --threads N      images computed beside each other (default: one a processor); never changes a result

Exit status: 0, or 1 if images could not be read; they are named, and the others are scored.

Research software: nothing it prints is a diagnosis, and it must not be used for one.
"""


def main(argv: list[str]) -> int:
    """Run `skinlab predict ARGV`.

    Returns:
        1 if an image could not be read, else 0.

    Raises:
        ConfigError: wrong arguments.
        BundleError: there is no bundle, or it cannot be used.
        OutputError: the result cannot be written.
    """
    options = _parser().parse_intermixed_args(argv)
    if options.help:
        sys.stdout.write(HELP)
        return 0
    _check(options)
    from skinlab.runs.naming import resolve
    from skinlab.serving import loading
    from skinlab.serving.scoring import Scorer

    scorer = Scorer(loading.load(resolve(options.run)), options.threads, options.tta)
    _say(_warning(scorer.bundle.note))
    if options.tta not in (None, scorer.bundle.tta):
        _say(f"--tta {options.tta}: the run was evaluated, and its threshold set, with {scorer.bundle.tta}")
    overlays = None if options.explain is None else Overlays(options.explain, scorer.bundle)
    with rows_to(options.out) as write:
        scored, failed = _score(scorer, options, write, overlays)
    _say(f"{scored} image{'' if scored == 1 else 's'} scored" + (f", {failed} could not be read" if failed else ""))
    return 1 if failed else 0


def _parser() -> Parser:
    parser = Parser("predict")
    parser.add_argument("run", type=Path, nargs="?")
    parser.add_argument("paths", nargs="*", default=[])
    parser.add_argument("--format", choices=["csv", "jsonl"], default="csv")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--explain", type=Path)
    parser.add_argument("--tta", choices=["none", "flips", "dihedral"])
    return parser


def _check(options: Namespace) -> None:
    if options.run is None or not options.paths:
        raise ConfigError("needs a run and images: skinlab predict RUN PATH...; see skinlab predict --help")
    if options.threads is not None and options.threads < 1:
        raise ConfigError(f"--threads {options.threads}: must be at least 1")


def _warning(note: str) -> str:
    from skinlab.records import RESEARCH_NOTE

    return f"{RESEARCH_NOTE}; {note}" if note else RESEARCH_NOTE


def _say(line: str) -> None:
    """To the user, apart from the rows."""
    sys.stderr.write(f"skinlab predict: {line}\n")


def _score(
    scorer: "Scorer", options: Namespace, write: Callable[[bytes], None], overlays: Overlays | None
) -> tuple[int, int]:
    """Write a row for each image; give how many were scored and how many could not be."""
    from skinlab.data.images import ImageError
    from skinlab.serving import rows

    form: Format = options.format
    classes = scorer.bundle.classes
    counts = [0, 0]
    sources, total = _sources(options.paths)
    then = None if overlays is None else overlays.write
    write(rows.header(form, classes, explained=overlays is not None))
    with scoring_bar(total, hidden=options.out is None and sys.stdout.isatty()) as advance:
        for source, answer in scorer.answers(sources, _content, then):
            broken = isinstance(answer, ImageError)
            overlay = None if overlays is None else "" if broken else str(overlays.path(source))
            write(rows.row(form, classes, source.path, answer, overlay))
            counts[broken] += 1
            if broken:
                _say(f"{source.path}: {answer}")
            advance()
    return counts[0], counts[1]


def _sources(words: Sequence[str]) -> tuple[Iterable["Given"], int | None]:
    """The images, and how many there are where no list of them is still to come."""
    from skinlab.serving.inputs import STANDARD_INPUT, given

    found = given(words, sys.stdin.buffer)
    if STANDARD_INPUT in words:
        return found, None
    known = list(found)
    return known, len(known)


def _content(source: "Given") -> bytes:
    from skinlab.data.images import ImageError, read_bytes

    if source.problem:
        raise ImageError(source.problem)
    return read_bytes(source.path)
