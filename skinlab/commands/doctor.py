"""`skinlab doctor`: prints what is there and what is missing, with the command that mends it."""

import argparse
import dataclasses
import importlib.util
import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skinlab.doctor import Check

_STYLES = {"ok": "green", "missing": "yellow", "broken": "red"}


def main(argv: list[str]) -> int:
    """Runs `skinlab doctor ARGV`.

    Args:
        argv: arguments after the verb.

    Returns:
        0 if the default experiment can run here, else 1.
    """
    parser = argparse.ArgumentParser(
        prog="skinlab doctor",
        description="Prints what is there and what is missing. Exit status 0: the default experiment can run here.",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args(argv)
    from skinlab import doctor

    checks = doctor.examine()
    ready = doctor.can_run(checks)
    if arguments.json:
        content = {"ready": ready, "checks": [dataclasses.asdict(check) for check in checks]}
        sys.stdout.write(json.dumps(content, indent=2) + "\n")
    else:
        print_table(checks)
        verdict = "can run" if ready else "cannot run yet: mend what is marked needed"
        sys.stdout.write(f"The default experiment {verdict}.\n")
    return 0 if ready else 1


def print_table(checks: "list[Check]") -> None:
    """Prints the checks as a table, or as plain lines where rich itself is what is missing."""
    if importlib.util.find_spec("rich") is None:
        for check in checks:
            sys.stdout.write(f"{check.name}: {_state(check)}: {check.found}; {check.mend or 'nothing to mend'}\n")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("what", "state", "found", "to mend it", box=None, pad_edge=False)
    for check in checks:
        texts = (Text(each, overflow="fold") for each in (check.found, check.mend))
        table.add_row(Text(check.name), Text(_state(check), style=_STYLES[check.state]), *texts)
    Console().print(table)


def _state(check: "Check") -> str:
    return f"{check.state}, needed" if check.in_the_way else check.state
