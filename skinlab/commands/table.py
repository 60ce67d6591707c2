"""The verbs of the command line: what `skinlab --help` lists, `skinlab VERB` finds and the shell completes.

A new verb is one line here and a module `skinlab/commands/<verb>.py` with `main(argv) -> exit code`; one of
`skinlab data` is a line of DATA_VERBS and a module `skinlab/commands/data_<verb>.py`; the verbs of
`skinlab cache` and of `skinlab sweep` are in one module each.
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
        paths: whether files or folders follow.
        declares: whether `key=value` overrides follow.
        verbs: of a verb that only dispatches: what it dispatches to.
    """

    name: str
    summary: str
    options: tuple[str, ...] = ("--help",)
    arguments: tuple[str, ...] = ()
    paths: bool = False
    declares: bool = False
    verbs: tuple["Verb", ...] = ()


_FETCH_OPTIONS = ("--query", "--collections", "--limit", "--size", "--resize", "--licenses", "--urls", "--out")
_FETCH_MANNERS = ("--extend", "--jobs", "--rate", "--tries", "--timeout", "--backoff", "--api", "--help")
_PREVIEW_OPTIONS = ("--images", "--changes", "--out", "--config-dir", "--help")
DATA_VERBS = (
    Verb(
        "fetch",
        "fetch images of the ISIC Archive, or of a table of addresses",
        (*_FETCH_OPTIONS, *_FETCH_MANNERS),
        paths=True,
    ),
    Verb("audit", "look for corrupt, duplicate and leaking images", ("--out", "--config-dir", "--help"), declares=True),
    Verb(
        "labels",
        "show, set, undo and revert corrections of labels",
        ("--image", "--json", "--why", "--who", "--config-dir", "--help"),
        arguments=("set", "undo", "revert"),
        declares=True,
    ),
    Verb("preview", "draw a sheet of training images as training sees them", _PREVIEW_OPTIONS, declares=True),
)

CACHE_VERBS = (
    Verb("clear", "delete what was not used for a time, or everything", ("--older-than", "--all", "--help")),
    Verb("verify", "read everything again, delete what is damaged"),
)
SWEEP_VERBS = (
    Verb("resume", "go on with a sweep, to the same results", paths=True),
    Verb("status", "show how a sweep stands", ("--json", "--help"), paths=True),
    Verb("best", "print the directory of its best run", ("--json", "--help"), paths=True),
)
_PREDICT_OPTIONS = ("--format", "--out", "--tta", "--explain", "--threads", "--help")
_EVALUATE_OPTIONS = ("--subset", "--on-overlap", "--threads", "--config-dir", "--help")

VERBS = (
    Verb("train", "train a declared experiment; -m sweeps over several values", DECLARING, declares=True),
    Verb("check", "check a declaration without running it", (*DECLARING, "--show", "--json"), declares=True),
    Verb("lr-find", "find a learning rate by training at a rising one", DECLARING[2:], declares=True),
    Verb("resume", "go on with an interrupted or failed run, to the same final numbers", paths=True),
    Verb("sweep", "go on with a sweep, see how it stands, name its best run", verbs=SWEEP_VERBS),
    Verb("folds", "summarise the runs of a cross-validation as one experiment", ("--json", "--help"), paths=True),
    Verb("predict", "score new images with the bundle of a finished run", _PREDICT_OPTIONS, paths=True),
    Verb(
        "evaluate",
        "score a finished run on another data set, or again on its own",
        _EVALUATE_OPTIONS,
        declares=True,
        paths=True,
    ),
    Verb("data", "fetch, audit and look at images; skinlab data --help lists its verbs", verbs=DATA_VERBS),
    Verb("cache", "list, delete or check what is kept to be faster: decoded images, hashes", verbs=CACHE_VERBS),
    Verb("weights", "list, fetch and convert published weights", arguments=("list", "fetch", "convert")),
    Verb("setup", "install an engine's runtime, e.g. skinlab setup cntk", arguments=("cntk",)),
    Verb("doctor", "show what is installed and how to mend what is missing"),
    Verb("completion", "print a script for shell completion", arguments=("bash", "zsh", "fish")),
)


def find(name: str, verbs: tuple[Verb, ...] = VERBS) -> Verb | None:
    """The verb of this name."""
    return next((verb for verb in verbs if verb.name == name), None)
