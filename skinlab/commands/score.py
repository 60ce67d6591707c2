"""`skinlab score NAME|ENDPOINT IMAGE...`: what a service says of images, as CSV or JSON lines."""

import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from skinlab.commands.arguments import Parser
from skinlab.commands.output import rows_to
from skinlab.commands.scoring_progress import scoring_bar
from skinlab.errors import ConfigError, DataError

if TYPE_CHECKING:
    from skinlab.deployment.client import Client, Timing
    from skinlab.serving.inputs import Given
    from skinlab.serving.rows import Format

USAGE = """usage: skinlab score NAME|ENDPOINT IMAGE|FOLDER|URL... [--format csv|jsonl] [--out FILE] [options]

Ask a service for images. One row an image: path, the probability of each class, the most probable class (label), the
class at the operating point (decision), and why there is no answer (error).

  NAME             a deployment (skinlab deployments lists them)
  ENDPOINT         the address of a service, e.g. http://127.0.0.1:8000; its key: $SKINLAB_KEY
  IMAGE            an image, a folder (searched below too), - for a list on standard input, or an address, which is
                   fetched here and not by the service (https, or http on this machine)
  --format FORMAT  csv (default) or jsonl: a JSON object a line
  --out FILE       write to a file, which appears when it is whole (default: standard output, as rows are ready)
  --concurrency N  requests at a time (default: 4); never changes a result
  --insecure       send the key to an http address of another machine, where others may read it on the way
  --tries N        how often a request is sent before the service counts as gone (default: 6)

How long requests took is told on standard error. Exit status: 0, or 1 if images have no answer; they are named.

Research software: nothing it prints is a diagnosis, and it must not be used for one.
"""


def main(argv: list[str]) -> int:
    """Run `skinlab score ARGV`.

    Returns:
        1 if an image has no answer, else 0.

    Raises:
        ConfigError: wrong arguments, or there is no such deployment.
        DeploymentError: the service does not answer, or refuses to.
        OutputError: the result cannot be written.
    """
    options = _options(argv)
    if options.help:
        sys.stdout.write(USAGE)
        return 0
    from skinlab.deployment.client import Client
    from skinlab.serving.portable.answering import RESEARCH_NOTE
    from skinlab.transfer.pace import Patience

    client = Client(
        options.where,
        patience=Patience(connect=5, read=60, tries=options.tries, backoff=0.2, longest_backoff=5),
        insecure=options.insecure,
    )
    _say(RESEARCH_NOTE)
    scored, failed = _score(client, options)
    _say(f"{scored} image{'' if scored == 1 else 's'} scored" + (f", {failed} without an answer" if failed else ""))
    if timing := client.timing():
        _say(_told(timing))
    return 1 if failed else 0


def _options(argv: list[str]) -> Namespace:
    parser = Parser("score")
    parser.add_argument("where", nargs="?")
    parser.add_argument("images", nargs="*", default=[])
    parser.add_argument("--format", choices=["csv", "jsonl"], default="csv")
    parser.add_argument("--out", type=_path)
    parser.add_argument("--insecure", action="store_true")
    parser.add_argument("--concurrency", type=int, default=4)
    parser.add_argument("--tries", type=int, default=6)
    options = parser.parse_intermixed_args(argv)
    if options.help:
        return options
    if options.where is None or not options.images:
        raise ConfigError("needs a service and images: skinlab score NAME|ENDPOINT IMAGE...; see skinlab score --help")
    for name in ("concurrency", "tries"):
        if getattr(options, name) < 1:
            raise ConfigError(f"--{name} {getattr(options, name)}: must be at least 1")
    return options


def _path(text: str) -> Any:
    from pathlib import Path

    return Path(text)


def _told(timing: "Timing") -> str:
    return (
        f"{timing.requests} request{'' if timing.requests == 1 else 's'}: median {1000 * timing.p50:.0f} ms, "
        f"95 % within {1000 * timing.p95:.0f} ms, 99 % within {1000 * timing.p99:.0f} ms"
    )


def _score(client: "Client", options: Namespace) -> tuple[int, int]:
    """Write a row for each image; give how many have an answer and how many have none."""
    from skinlab.deployment.sources import Reader

    counts = [0, 0]
    form: Format = options.format
    table = _Table(form)
    with Reader() as reader, rows_to(options.out) as write:
        answers = client.score_all(_sources(options.images), reader.content, options.concurrency)
        with scoring_bar(None, hidden=options.out is None and sys.stdout.isatty()) as advance:
            for source, answer in answers:
                for line in table.lines(source.path, answer):
                    write(line)
                counts[isinstance(answer, DataError)] += 1
                if isinstance(answer, DataError):
                    _say(f"{source.path}: {answer}")
                advance()
        for line in table.rest():
            write(line)
    return counts[0], counts[1]


def _sources(words: Sequence[str]) -> "Iterator[Given]":
    from skinlab.serving.inputs import given

    return given(words, sys.stdin.buffer)


class _Table:
    """Rows whose columns are known from the first answer on; rows without an answer wait for it."""

    def __init__(self, form: "Format") -> None:
        self._form: Format = form
        self._classes: list[str] | None = None
        self._waiting: list[tuple[str, DataError]] = []

    def lines(self, path: str, answer: "dict[str, Any] | DataError") -> Iterator[bytes]:
        """What can be written now."""
        from skinlab.data.images import ImageError
        from skinlab.serving import rows
        from skinlab.serving.scoring import Answer

        if isinstance(answer, DataError):
            self._waiting.append((path, answer))
        elif self._classes is None:
            self._classes = list(answer["probabilities"])
            yield rows.header(self._form, self._classes)
        if self._classes is None:
            return
        for name, error in self._waiting:
            yield rows.row(self._form, self._classes, name, ImageError(str(error)))
        self._waiting.clear()
        if not isinstance(answer, DataError):
            probabilities = tuple(float(answer["probabilities"].get(name, "nan")) for name in self._classes)
            yield rows.row(self._form, self._classes, path, Answer(probabilities, answer["label"], answer["decision"]))

    def rest(self) -> Iterator[bytes]:
        """What waits when nothing more comes: there was no answer at all, and no class is known."""
        from skinlab.data.images import ImageError
        from skinlab.serving import rows

        if self._classes is None:
            yield rows.header(self._form, [])
            yield from (rows.row(self._form, [], name, ImageError(str(error))) for name, error in self._waiting)


def _say(line: str) -> None:
    """To the user, apart from the rows."""
    sys.stderr.write(f"skinlab score: {line}\n")
