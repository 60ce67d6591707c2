"""`skinlab check`: is this declaration right, and are its images? Trains nothing but a few steps, to time them."""

import json
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from skinlab import help as texts
from skinlab import schema
from skinlab.commands.arguments import declaring_parser
from skinlab.config import Composed, compose, to_dict
from skinlab.errors import ConfigError
from skinlab.logs import live_console

if TYPE_CHECKING:
    from skinlab.checking import Check
    from skinlab.data.prepare import Prepared, Report


def main(argv: list[str]) -> int:
    """Run the command.

    Args:
        argv: what follows the verb.

    Returns:
        0: nothing that was looked at would stop a run.

    Raises:
        ConfigError: the declaration is wrong; one line per mistake.
        SkinlabError: something else would stop a run; of the kind of the first.
    """
    parser = declaring_parser("check")
    parser.add_argument("--declaration-only", action="store_true")
    parser.add_argument("--no-timing", action="store_true")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_intermixed_args(argv)
    if options.help:
        sys.stdout.write(texts.command_help("check"))
    elif options.declaration_only or options.show:
        sys.stdout.write(_declaration(options))
    else:
        _check(options)
    return 0


def _declared(options: Namespace) -> tuple[list[Composed], str]:
    """The declarations, and what they are in one line."""
    if not options.multirun:
        composed = compose(options.overrides, options.config_dirs)
        return [composed], gist(composed.config)
    if options.show or options.json:
        raise ConfigError("--show and --json print one declaration: leave out -m and give each key one value")
    from skinlab.sweeps.declaration import declare

    declaration = declare(options.overrides, options.config_dirs)
    number = declaration.trials
    return list(
        declaration.checked
    ), f"{number} trial{'s' if number > 1 else ''}, the first: {gist(declaration.config)}"


def _declaration(options: Namespace) -> str:
    (first, *_), line = _declared(options)
    if options.json:
        return json.dumps(to_dict(first.config), indent=2) + "\n"
    if options.show:
        from omegaconf import OmegaConf

        return OmegaConf.to_yaml(first.raw, resolve=True)
    if not options.multirun:
        _say_what_is_missing(first.config)
    return f"ok: {line}\n"


def _say_what_is_missing(config: schema.Config) -> None:
    """A declaration may be written before its images are there, and elsewhere; whoever mistyped the path learns it."""
    path = getattr(config.dataset, "path", None)
    if path is not None and not Path(path).expanduser().exists():
        sys.stderr.write(f"skinlab check: dataset.path={path}: there is no such folder or file on this machine now\n")


def gist(config: schema.Config) -> str:
    """A declaration in one line."""
    groups = ("dataset", "augmentation", "network", "method", "optimizer", "engine")
    chosen = " ".join(f"{group}={getattr(config, group).name}" for group in groups)
    return f"{config.name}: {chosen}, {config.training.epochs} epochs, seed {config.seed}"


def _check(options: Namespace) -> None:
    """The declaration, its images and its speed; of a sweep, the first trial and every other data set."""
    (first, *others), line = _declared(options)
    from skinlab import checking, logs
    from skinlab.commands.train import stop_on_sigterm
    from skinlab.experiment import survey_each

    stop_on_sigterm()
    with logs.to_stderr(), _bar() as report:
        found = checking.check(first.config, report, timed=not options.no_timing)
        with found.noting():
            survey_each(composed.config for composed in others)
    if options.json:
        text = json.dumps({"declaration": to_dict(first.config), **found.as_json()}, indent=2)
    else:
        text = "\n".join(
            [f"{'declaration' if found.problems else 'ok'}: {line}", *_lines(first.config, found, options)]
        )
    sys.stdout.write(text + "\n")
    found.raise_problems()


@contextmanager
def _bar() -> "Iterator[Report | None]":
    """A bar on standard error while images are decoded, where that is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import Progress

    with Progress(console=live_console(error=True), transient=True) as bar:
        task = bar.add_task("decoding", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _lines(config: schema.Config, found: "Check", options: Namespace) -> "Iterator[str]":
    """What was found, for a person."""
    from skinlab import records
    from skinlab.checking import groups, positive_class, split_source

    if found.data is not None and found.survey is not None:
        data = found.data
        if found.lenient:
            yield f"with {' '.join(found.lenient)}:"
        yield records.describe_data(config.dataset, data)
        yield from _table(data)
        yield (
            f"groups: {groups(data)}; positive class: {positive_class(data) or 'none'}; "
            f"split: {split_source(found.survey.split)}"
        )
        yield from records.data_remarks(data.audit)
    if found.timing is not None:
        yield str(found.timing)
    elif found.data is not None and not options.no_timing and not isinstance(config.method, schema.Finetune):
        yield f"method={config.method.name}: the network runs once over the images; no epoch of it is timed"


def _table(data: "Prepared") -> Sequence[str]:
    """Images by class and subset."""
    counts = data.findings.counts
    subsets = list(next(iter(counts.values())))
    width = max(map(len, counts))
    head = " ".join(f"{subset:>{max(len(subset), 7)}}" for subset in subsets)
    rows = [
        f"  {label:<{width}} " + " ".join(f"{row[name]:>{max(len(name), 7)}}" for name in subsets)
        for label, row in counts.items()
    ]
    return [f"  {'':<{width}} {head}", *rows]
