"""The verbs of the command line: what `skinlab --help` lists, `skinlab VERB` finds and the shell completes.

A new verb is one line here and a module `skinlab/commands/<verb>.py` with `main(argv) -> exit code`; one of
`skinlab data` is a line of DATA_VERBS and a module `skinlab/commands/data_<verb>.py`.
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
        verbs: of a verb that only dispatches: what it dispatches to.
    """

    name: str
    summary: str
    options: tuple[str, ...] = ("--help",)
    arguments: tuple[str, ...] = ()
    declares: bool = False
    verbs: tuple["Verb", ...] = ()


_FETCH_OPTIONS = ("--query", "--collections", "--limit", "--size", "--resize", "--licenses", "--urls", "--out")
_FETCH_MANNERS = ("--extend", "--jobs", "--rate", "--tries", "--timeout", "--backoff", "--api", "--help")
DATA_VERBS = (
    Verb("fetch", "fetch images of the ISIC Archive, or of a table of addresses", (*_FETCH_OPTIONS, *_FETCH_MANNERS)),
    Verb("audit", "look for corrupt, duplicate and leaking images"),
)

VERBS = (
    Verb("train", "train a declared experiment; -m sweeps over several values", DECLARING, declares=True),
    Verb("check", "check a declaration without running it", (*DECLARING, "--show", "--json"), declares=True),
    Verb("lr-find", "find a learning rate by training at a rising one", DECLARING[2:], declares=True),
    Verb("resume", "go on with an interrupted or failed run, to the same final numbers"),
    Verb("data", "fetch and audit images; skinlab data --help lists its verbs", verbs=DATA_VERBS),
    Verb("setup", "install an engine's runtime, e.g. skinlab setup cntk", arguments=("cntk",)),
    Verb("doctor", "show what is installed and how to mend what is missing"),
    Verb("completion", "print a script for shell completion", arguments=("bash", "zsh", "fish")),
)


def find(name: str, verbs: tuple[Verb, ...] = VERBS) -> Verb | None:
    """The verb of this name."""
    return next((verb for verb in verbs if verb.name == name), None)
