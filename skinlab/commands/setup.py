"""`skinlab setup`: makes what an engine needs beside skinlab itself."""

import argparse
import sys
from pathlib import Path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="skinlab setup", description="Makes what an engine needs beside skinlab.")
    engines = parser.add_subparsers(dest="engine", required=True, metavar="ENGINE")
    cntk = engines.add_parser(
        "cntk",
        help="a private CPython 3.6 environment with CNTK 2.7",
        description="Makes a private CPython 3.6 environment with CNTK 2.7 in skinlab's home. Safe to repeat.",
    )
    cntk.add_argument(
        "--python", type=Path, metavar="PATH", help="a CPython 3.6 to base it on; else SKINLAB_PYTHON36, else a search"
    )
    cntk.add_argument(
        "--variant",
        choices=["auto", "cpu", "gpu"],
        default="auto",
        help="build of CNTK; auto: gpu where an NVIDIA GPU that CUDA 10 covers is present",
    )
    cntk.add_argument("--force", action="store_true", help="make it again even if it is ready")
    return parser


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(argv: list[str]) -> int:
    """Runs `skinlab setup ARGV`.

    Args:
        argv: arguments after the verb.

    Returns:
        The exit status.

    Raises:
        SetupError: the runtime cannot be made.
        OutputError: skinlab's home cannot be written.
    """
    arguments = _parser().parse_args(argv)
    from skinlab.engines.cntk import runtime

    runtime.setup(arguments.variant, arguments.python, arguments.force, _say)
    return 0
