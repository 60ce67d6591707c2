"""`skinlab data VERB`: dispatch only; each verb is a module of its own, imported when it is asked for."""

import importlib
import sys

from skinlab.commands.table import DATA_VERBS
from skinlab.config.suggest import did_you_mean, then_list
from skinlab.errors import ConfigError


def main(argv: list[str]) -> int:
    """Run `skinlab data ARGV`.

    Returns:
        The exit code of the verb.

    Raises:
        ConfigError: there is no such verb.
    """
    if not argv or argv[0] in ("-h", "--help", "help"):
        (sys.stdout if argv else sys.stderr).write(_help())
        return 0 if argv else ConfigError.exit_code
    names = [verb.name for verb in DATA_VERBS]
    if argv[0] not in names:
        raise ConfigError(f"no command 'data {argv[0]}'{then_list(did_you_mean(argv[0], names), 'Commands', names)}")
    code: int = importlib.import_module(f"skinlab.commands.data_{argv[0]}").main(argv[1:])
    return code


def _help() -> str:
    rows = "".join(f"  {verb.name:<10} {verb.summary}\n" for verb in DATA_VERBS)
    return (
        "usage: skinlab data VERB [options]\n\nFetch images and look after them.\n\n"
        f"verbs (skinlab data VERB --help says more):\n{rows}"
    )
