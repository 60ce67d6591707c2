"""Parsing of a verb's arguments: `key=value` overrides and options in any order, errors as `ConfigError`."""

import argparse
import shlex
from pathlib import Path
from typing import NoReturn

from skinlab.config.places import search_path_overrides
from skinlab.errors import ConfigError


class Parser(argparse.ArgumentParser):
    """Options of one verb. A wrong one raises `ConfigError`; `--help` is a flag, its text is the verb's own."""

    def __init__(self, verb: str) -> None:
        super().__init__(prog=f"skinlab {verb}", add_help=False, allow_abbrev=False)
        self.add_argument("-h", "--help", action="store_true")

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing usage."""
        raise ConfigError(f"{message}; see {self.prog} --help")


def declaring_parser(verb: str) -> Parser:
    """A parser for a verb that takes a declaration: overrides, -m and --config-dir (may be repeated)."""
    parser = Parser(verb)
    parser.add_argument("overrides", nargs="*", default=[])
    parser.add_argument("-m", "--multirun", action="store_true")
    parser.add_argument("--config-dir", dest="config_dirs", action="append", type=Path, default=[])
    return parser


def hydra_overrides(options: argparse.Namespace) -> list[str]:
    """What Hydra composes of `declaring_parser`'s result: the overrides, and before them the folders to search."""
    return [*search_path_overrides(options.config_dirs), *options.overrides]


def command_line(verb: str, options: argparse.Namespace) -> str:
    """The command that was typed, in one order: options first."""
    folders = [word for folder in options.config_dirs for word in ("--config-dir", str(folder))]
    return shlex.join(["skinlab", verb, *(["-m"] if options.multirun else []), *folders, *options.overrides])
