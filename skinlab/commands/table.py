"""The verbs of the command line: what `skinlab --help` lists, `skinlab VERB` finds and the shell completes.

A new verb is one line here and a module `skinlab/commands/<verb>.py` with `main(argv) -> exit code`.
"""

from dataclasses import dataclass

DECLARING = ("-m", "--multirun", "--config-dir", "--help")


@dataclass(frozen=True)
class Verb:
    """One command.

    Attributes:
        name: as typed.
        summary: one line for `skinlab --help`.
        options: for completion.
        arguments: fixed words that may follow, for completion.
        declares: whether `key=value` overrides follow.
    """

    name: str
    summary: str
    options: tuple[str, ...] = ("--help",)
    arguments: tuple[str, ...] = ()
    declares: bool = False


VERBS = (
    Verb("train", "train a declared experiment; -m sweeps over several values", DECLARING, declares=True),
    Verb("check", "check a declaration without running it", (*DECLARING, "--show", "--json"), declares=True),
    Verb("resume", "go on with an interrupted or failed run, to the same final numbers"),
    Verb("setup", "install an engine's runtime, e.g. skinlab setup cntk", arguments=("cntk",)),
    Verb("doctor", "show what is installed and how to mend what is missing"),
    Verb("completion", "print a script for shell completion", arguments=("bash", "zsh", "fish")),
)


def find(name: str) -> Verb | None:
    """The verb of this name."""
    return next((verb for verb in VERBS if verb.name == name), None)
