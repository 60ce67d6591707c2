"""`skinlab ui`: the local pages, until Ctrl-C."""

import contextlib
import sys
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from skinlab.commands.arguments import declaring_parser
from skinlab.commands.train import stop_on_sigterm
from skinlab.errors import ConfigError

if TYPE_CHECKING:
    from skinlab import schema
    from skinlab.web.workplace import Workplace

HELP = """usage: skinlab ui [overrides] [--dataset PATH] [--run RUN] [--audit PATH] [--port N] [--no-browser]

Local pages, on 127.0.0.1 alone: look at a data set and correct its labels, look into runs, compare them. Overrides say
which data set, as for training: dataset=folder dataset.path=PATH. Without any it is that of the run; without a run
there is none to review.

  --dataset PATH    a folder with one sub-folder a class, or a table (.csv): short for these overrides
  --run RUN         a run, or the sweep of a cross-validation: its predictions order the images by suspicion
  --audit PATH      audit.json of `skinlab data audit`, or its folder; without it, that of the run
  --port N          where to listen; 0: any port that is free (default)
  --no-browser      only print the link
  --output DIR      the folder of runs (default: outputs)
  --config-dir DIR  a further folder of configuration

The link that is printed works once; after that another one is printed, for another browser. Ctrl-C ends the pages; each
corrected label is on the disk before the page says so.
"""
MOST_PORT = 65535


def main(argv: list[str]) -> int:
    """Runs `skinlab ui ARGV`.

    Returns:
        0, after Ctrl-C.

    Raises:
        SkinlabError: the declaration is wrong, the data set cannot be read, or the port is taken.
    """
    options = _options(argv)
    if options.help:
        sys.stdout.write(HELP)
        return 0
    from skinlab.web.server import Server, require_packages

    require_packages()
    workplace = _workplace(options)
    workplace.reviewed()  # what cannot be read is said now
    server = Server(workplace, options.port)
    server.keys.spent = lambda: _say(f"for another browser: {server.link}")
    stop_on_sigterm()
    with contextlib.suppress(KeyboardInterrupt), contextlib.ExitStack() as stack:  # the way to end it
        stack.callback(server.close)
        server.start()
        _say(f"open {server.link}")
        if not options.no_browser:
            _open(stack.enter_context(leading_to(server.link)))
        server.wait()
    return 0


def _options(argv: list[str]) -> Namespace:
    parser = declaring_parser("ui")
    parser.add_argument("--dataset", type=Path)
    parser.add_argument("--run")
    parser.add_argument("--audit", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--no-browser", action="store_true")
    parser.add_argument("--output", type=Path)
    options = parser.parse_intermixed_args(argv)
    if options.multirun:
        raise ConfigError("skinlab ui shows one data set: leave out -m")
    if not 0 <= options.port <= MOST_PORT:
        raise ConfigError(f"--port {options.port}: must be 0 to {MOST_PORT}")
    return options


def _workplace(options: Namespace) -> "Workplace":
    from skinlab import paths
    from skinlab.web.opening import audit_file, runs_of
    from skinlab.web.workplace import Workplace

    output = options.output or paths.default_output()
    runs = runs_of(options.run, output) if options.run else ()
    audit = audit_file(options.audit) if options.audit else None
    return Workplace(output, _dataset(options, runs), runs, audit)


def _dataset(options: Namespace, runs: tuple[Path, ...]) -> "schema.Dataset | None":
    """As declared, else that of the run, else none."""
    from skinlab.web.opening import dataset_at, dataset_of

    if options.dataset:
        return dataset_at(options.dataset, options.overrides, options.config_dirs)
    if options.overrides:
        from skinlab.config import compose

        return compose(options.overrides, options.config_dirs).config.dataset
    return dataset_of(runs[0]) if runs else None


@contextlib.contextmanager
def leading_to(link: str) -> Iterator[str]:
    """The address of a file that only this user can read, which leads to the link.

    A browser's command line is seen by all users of the machine, and whoever opens the link first is in.
    """
    from skinlab import paths

    home = paths.home()
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ui-", dir=home) as folder:  # for its owner alone
        file = Path(folder) / "open.html"
        file.write_text(f'<!doctype html><meta http-equiv="refresh" content="0;url={escape(link)}">')
        yield file.as_uri()


def _open(link: str) -> None:
    """Shows the link in the user's browser, where there is one."""
    import webbrowser

    try:
        webbrowser.open(link)
    except webbrowser.Error:
        return


def _say(line: str) -> None:
    sys.stderr.write(f"skinlab ui: {line}\n")
    sys.stderr.flush()
