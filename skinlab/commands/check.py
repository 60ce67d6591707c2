"""`skinlab check`: is this declaration right? Composes and validates, reads no data and starts nothing."""

import json
import sys
from argparse import Namespace
from pathlib import Path

from skinlab import help as texts
from skinlab import schema
from skinlab.commands.arguments import declaring_parser
from skinlab.config import Composed, compose, to_dict
from skinlab.errors import ConfigError


def main(argv: list[str]) -> int:
    """Run the command.

    Args:
        argv: what follows the verb.

    Returns:
        0: the declaration is right.

    Raises:
        ConfigError: it is not; one line per mistake.
    """
    parser = declaring_parser("check")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_intermixed_args(argv)
    sys.stdout.write(texts.command_help("check") if options.help else _report(options))
    return 0


def _report(options: Namespace) -> str:
    if not options.multirun:
        return _shown(compose(options.overrides, options.config_dirs), options)
    if options.show or options.json:
        raise ConfigError("--show and --json print one declaration: leave out -m and give each key one value")
    from skinlab.sweeps.declaration import declare

    declaration = declare(options.overrides, options.config_dirs)
    number = declaration.trials
    return f"ok: {number} trial{'s' if number > 1 else ''}, the first: {gist(declaration.config)}\n"


def _shown(composed: Composed, options: Namespace) -> str:
    if options.json:
        return json.dumps(to_dict(composed.config), indent=2) + "\n"
    if options.show:
        from omegaconf import OmegaConf

        return OmegaConf.to_yaml(composed.raw, resolve=True)
    _say_what_is_missing(composed.config)
    return f"ok: {gist(composed.config)}\n"


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
