"""`skinlab VERB ...`: finds the verb's module, and turns errors into lines and exit codes. Imports nothing heavy.

Exit codes: 0 done, 2 and up as in errors.py, 130 interrupted, 141 the reader of the output went away.
"""

import importlib
import os
import signal
import sys
import traceback

from skinlab import __version__
from skinlab.commands.table import VERBS, find
from skinlab.errors import ConfigError, SkinlabError
from skinlab.logs import visible_streams

DEBUG_VARIABLE = "SKINLAB_DEBUG"
HIDDEN = {"__complete": "skinlab.commands.complete"}  # asked by the scripts of `skinlab completion`


def main(argv: list[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: what follows `skinlab`; None: the process's own arguments.

    Returns:
        The exit code.
    """
    with visible_streams():
        return _run(sys.argv[1:] if argv is None else argv)


def _run(words: list[str]) -> int:
    try:
        code = _dispatch(words)
        sys.stdout.flush()  # a closed pipe shows here, not while the interpreter shuts down
    except SkinlabError as error:
        return _failed(words, error)
    except KeyboardInterrupt:
        sys.stderr.write("skinlab: interrupted\n")
        return 128 + signal.SIGINT
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    return code


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        from skinlab.help import main_help

        (sys.stdout if words else sys.stderr).write(main_help())
        return 0 if words else ConfigError.exit_code
    if words[0] in ("-V", "--version"):
        sys.stdout.write(f"skinlab {__version__}\n")
        return 0
    module = importlib.import_module(_module(words[0]))
    code: int = module.main(words[1:])
    return code


def _module(verb: str) -> str:
    if verb in HIDDEN:
        return HIDDEN[verb]
    if find(verb):
        return f"skinlab.commands.{verb.replace('-', '_')}"
    from skinlab.config.suggest import did_you_mean, then_list

    names = [known.name for known in VERBS]
    raise ConfigError(f"no command '{verb}'{then_list(did_you_mean(verb, names), 'Commands', names)}")


def _failed(words: list[str], error: SkinlabError) -> int:
    """Print an error that the user can mend: lines without a traceback, unless it is asked for."""
    if os.environ.get(DEBUG_VARIABLE, "0") not in ("", "0"):
        traceback.print_exc()
    caller = f"skinlab {words[0]}" if words and find(words[0]) else "skinlab"
    sys.stderr.write("".join(f"{caller}: {line}\n" for line in str(error).splitlines()))
    return error.exit_code
