"""The verbs of the command line: what `skinlab --help` lists, `skinlab VERB` finds and the shell completes.

A new verb is one line here and a module `skinlab/commands/<verb>.py` with `main(argv) -> exit code`; one of
`skinlab data` is a line of DATA_VERBS and a module `skinlab/commands/data_<verb>.py`; the verbs of
`skinlab cache`, `skinlab sweep` and `skinlab deployments` are in one module each.
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
        verbs: of a verb that dispatches: what it dispatches to.
        runs: whether runs follow: folders, or the short names of `skinlab runs`.
    """

    name: str
    summary: str
    options: tuple[str, ...] = ("--help",)
    arguments: tuple[str, ...] = ()
    paths: bool = False
    declares: bool = False
    verbs: tuple["Verb", ...] = ()
    runs: bool = False


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
    Verb("report", "write its page, sweep.html", paths=True),
)
_COMPARE_OPTIONS = ("--metric", "--top", "--reference", "--each", "--common", "--force", "--json", "--out", "--help")
_BUNDLE_OPTIONS = ("--out", "--help")
_LIST_OPTIONS = ("--since", "--sort", "--reverse", "--limit", "--columns", "--json", "--csv", "--output", "--help")
RUNS_VERBS = (
    Verb("show", "what a run is and what came of it", ("--json", "--output", "--help"), runs=True),
    Verb("diff", "only what differs between two runs", ("--json", "--output", "--help"), runs=True),
    Verb("tag", "give tags", ("--output", "--help"), runs=True),
    Verb("untag", "take tags away", ("--output", "--help"), runs=True),
    Verb("note", "add a note", ("--output", "--help"), runs=True),
    Verb("archive", "one file of a run, for another machine", ("--out", "--output", "--help"), runs=True),
    Verb("import", "unpack such a file", ("--most-gb", "--output", "--help"), paths=True),
    Verb("delete", "move runs to the trash", ("--output", "--help"), runs=True),
    Verb("restore", "bring back from the trash", ("--output", "--help")),
    Verb("trash", "list or empty the trash", ("--older-than", "--all", "--output", "--help"), arguments=("empty",)),
)
DEPLOYMENT_VERBS = (
    Verb("key", "print the key that a deployment asks for"),
    Verb("logs", "print the end of a deployment's log", ("--lines", "--help")),
    Verb("restart", "begin anew with the same bundle and settings"),
    Verb("delete", "stop a deployment and remove it"),
)
_DEPLOY_OPTIONS = ("--replace", "--dry-run", "--config-dir", "--help")
_SCORE_OPTIONS = ("--format", "--out", "--concurrency", "--tries", "--help")
_FOLDS_OPTIONS = ("--json", "--out", "--help")
_PREDICT_OPTIONS = ("--format", "--out", "--tta", "--explain", "--threads", "--help")
_REPRODUCE_MANNERS = ("--python", "--with", "--tolerance", "--output", "--json", "--help")
_REPRODUCE_OPTIONS = ("--check-only", "--environment", *_REPRODUCE_MANNERS)
_UI_OPTIONS = ("--dataset", "--run", "--audit", "--port", "--no-browser", "--output", "--config-dir", "--help")
_CHECK_OPTIONS = (*DECLARING, "--declaration-only", "--no-timing", "--show", "--json")
_EVALUATE_OPTIONS = ("--subset", "--on-overlap", "--threads", "--config-dir", "--help")

VERBS = (
    Verb("train", "train a declared experiment; -m sweeps over several values", DECLARING, declares=True),
    Verb("check", "check a declaration and its images without running it", _CHECK_OPTIONS, declares=True),
    Verb("lr-find", "find a learning rate by training at a rising one", DECLARING[2:], declares=True),
    Verb("resume", "go on with an interrupted or failed run, to the same final numbers", paths=True, runs=True),
    Verb("sweep", "go on with a sweep, see how it stands, name its best run, draw its page", verbs=SWEEP_VERBS),
    Verb("folds", "summarise the runs of a cross-validation as one experiment", _FOLDS_OPTIONS, paths=True),
    Verb(
        "compare",
        "say whether one run is better than another, and how sure that is",
        _COMPARE_OPTIONS,
        paths=True,
        runs=True,
    ),
    Verb("predict", "score new images with the bundle of a finished run", _PREDICT_OPTIONS, paths=True, runs=True),
    Verb(
        "evaluate",
        "score a finished run on another data set, or again on its own",
        _EVALUATE_OPTIONS,
        declares=True,
        paths=True,
        runs=True,
    ),
    Verb(
        "bundle",
        "write a run's bundle as one file, to run where no skinlab is",
        ("--out", "--help"),
        paths=True,
        runs=True,
    ),
    Verb("reproduce", "make a run again and compare it bit by bit", _REPRODUCE_OPTIONS, paths=True, runs=True),
    Verb("runs", "list, compare, tag, pack and delete runs; skinlab runs --help", _LIST_OPTIONS, verbs=RUNS_VERBS),
    Verb(
        "deploy",
        "put a run's bundle where it answers, and prove that it does",
        _DEPLOY_OPTIONS,
        declares=True,
        paths=True,
    ),
    Verb("deployments", "list, restart or delete what is deployed, show its key and logs", verbs=DEPLOYMENT_VERBS),
    Verb("score", "ask a deployment for images", _SCORE_OPTIONS, paths=True),
    Verb("verify", "compare a deployment's answers with what its run stored", paths=True),
    Verb("data", "fetch, audit and look at images; skinlab data --help lists its verbs", verbs=DATA_VERBS),
    Verb("ui", "local pages: review labels, look into runs", _UI_OPTIONS, declares=True, paths=True),
    Verb("cache", "list, delete or check what is kept to be faster: decoded images, hashes", verbs=CACHE_VERBS),
    Verb("weights", "list, fetch and convert published weights", arguments=("list", "fetch", "convert")),
    Verb("setup", "install an engine's runtime, e.g. skinlab setup cntk", arguments=("cntk",)),
    Verb("doctor", "show what is installed and how to mend what is missing"),
    Verb("completion", "print a script for shell completion", arguments=("bash", "zsh", "fish")),
)


def find(name: str, verbs: tuple[Verb, ...] = VERBS) -> Verb | None:
    """The verb of this name."""
    return next((verb for verb in verbs if verb.name == name), None)
