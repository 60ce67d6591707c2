"""How the commands of the pages are run here: what stands for what, what is appended, and what cannot run.

These tables are the only places where something else is done than what a page says.
"""

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from skinlab.commands.table import Verb, find
from skinlab.config import compose
from skinlab.sweeps.declaration import declare
from tests.docs.pages import ROOT

SUBSTITUTIONS = (
    (r"dataset=ham10000 dataset\.path=PATH", "dataset=ham10000 dataset.path=HAM10000"),
    (r"\bPATH\b", "images"),
    (r"\bRUN\b", "outputs/runs/mine/20261122-205246-c4a78a"),
    (r"outputs/sweeps/NAME/ID", "NEWEST"),
    (r"experiment=NAME", "experiment=debug"),
    (r" \.\.\.$", ""),
    (r"https://images\.example\.org/", "WEB/"),
    (r"/path/to/python3\.6", "python3.6"),
    (r"~/\.local/share/skinlab", "$SKINLAB_HOME"),
)
"""Placeholders of the pages, and what stands for them here; WEB becomes an address on this machine, NEWEST
the sweep that ran last."""

PHANTOMS = ("dataset.images=48", "dataset.draw_size=32")
SHORT = ("network.image_size=32", "training.epochs=2", "evaluation.bootstrap=100", "training.loader_workers=0")
"""Appended to whatever trains: the same experiment, small."""
INSTEAD = (
    (r"network\.weights=imagenet|experiment=(plain|transfer)_", ("network.weights=none",), "nothing is fetched"),
    (r"engine\.device=gpu", ("engine.device=cpu",), "there may be no GPU"),
    (r"tracking", ("tracking.wait=1",), "there is no server to wait for"),
    (r"sweep=(tpe|nsga2|hyperband)", ("sweep.trials=2",), "two points are a search"),
    (r"sweep=reference", ("optimizer.learning_rate=0.01,0.02", "network.dropout=0.5"), "two points of its 27"),
)
"""Appended where a command says the first: overrides, and why."""

TRAINED = ("skinlab train name=first", "skinlab train -m name=search")
"""What the lines begin with whose trainings are real; the others are as in stand_in.py."""

CODES = {
    "skinlab check optimizer.learning_rat=0.1": 2,
    "skinlab check optimizer.learning_rat=0.1 network.dropout=1.5": 2,
}
"""What is meant to fail, and with which exit code."""

SHOWN = (
    ("README.md", "on 150 test images", "the end of a run"),
    ("README.md", "images/benign/a.jpg", "a folder"),
    ("docs/architecture.md", "schema.py ", "the rooms"),
    ("docs/azure.md", "defaults: [azureml_online]", "a choice of the group deployment"),
    ("docs/cache.md", "cache_gb", "settings.toml"),
    ("docs/cntk-runtime.md", "downloads/", "a folder"),
    ("docs/compare.md", "A is better", "what is printed"),
    ("docs/configuration.md", "allowed_targets", "settings.toml"),
    ("docs/learning-rate.md", "the loss falls", "what is printed"),
    ("docs/python.md", "", "all of it is run by tests/api/test_docs.py"),
    ("docs/reproduce.md", "differs:", "what is printed"),
    ("docs/reproduce.md", "  split.csv", "what is printed"),
    ("docs/run-directory.md", "outputs/runs/<name>", "a folder"),
    ("docs/runs.md", "id     ", "what is printed"),
    ("docs/sweeps.md", "sweep:", "a part of a preset"),
    ("docs/tracking.md", "tracking: mlflow", "what is printed"),
    ("docs/tracking.md", '"tracking"', "a part of run.json; held by tests/tracking/test_docs.py"),
)
"""Blocks that are neither commands nor Python: what pages show."""


@dataclass(frozen=True)
class NotRun:
    """A command that cannot run here.

    Attributes:
        pattern: of the line.
        why: what it would need.
        check: what is held instead.
    """

    pattern: str
    why: str
    check: Callable[[str], None]


def _target(line: str) -> None:
    assert re.search(rf"^{line.split()[1]}:.* ## ", (ROOT / "Makefile").read_text(), re.MULTILINE), line


def _extra(line: str) -> None:
    for name in re.findall(r"skinlab\[(\w+)\]", line):
        assert re.search(rf"^{name} = \[", (ROOT / "pyproject.toml").read_text(), re.MULTILINE), line


def declared(line: str) -> None:
    """What follows `train` is a declaration, or that of a sweep: all of it, not made small."""
    typed = re.split(r" train | lr-find ", substituted(line).split("#", maxsplit=1)[0], maxsplit=1)[1]
    words = [word for word in shlex.split(typed) if not word.startswith(("--", "$"))]
    if "-m" in words:
        words.remove("-m")
        declare(words, [])
    else:
        compose(words)


def _parsed(line: str) -> None:
    check_words(re.sub(r"\$\(.*\)", "", line.split("#", maxsplit=1)[0]))


def _nothing(line: str) -> None:
    """There is nothing of ours in it."""
    assert "skinlab " not in line


NOT_RUN = (
    NotRun(r"make ", "installs into the checkout, and runs this very test", _target),
    NotRun(r"pip install --require-hashes", "downloads; what a bundle needs is held by tests/serving", _nothing),
    NotRun(r"pip install ", "downloads", _extra),
    NotRun(r"source ", "only the shell of a user has an environment to enter", _nothing),
    NotRun(r"pyenv |conda ", "other people's installers", _nothing),
    NotRun(r"optuna-dashboard ", "other people's program, which serves until it is stopped", _nothing),
    NotRun(r"az ", "signs in to Azure; deployments there are run with --dry-run", _nothing),
    NotRun(r"torchrun ", "two hosts; tests/engines/torch has torchrun on one", declared),
    NotRun(r".*hydra/launcher=(joblib|submitit_slurm|ray)", "held by tests/integration/test_launchers.py", declared),
    NotRun(r".*network=timm", "builds and exports a large network; held by tests/networks", declared),
    NotRun(r".*\$\(az ", "a workspace of Azure; held by tests/tracking/test_docs.py", _parsed),
    NotRun(r"skinlab train dataset=isic20", "published images; see tests/data/sources/test_known_sets.py", declared),
    NotRun(r"skinlab lr-find", "trains for real; held by tests/integration/test_lr_find.py", declared),
    NotRun(r"skinlab weights fetch", "the package index; held by tests/networks/pretrained", _parsed),
    NotRun(r"skinlab reproduce .*--environment", "the package index; held by tests/reproduction", _parsed),
)
"""Everything else is run; a command that is new and cannot run is added here, with the reason."""


def not_run(line: str) -> NotRun | None:
    return next((rule for rule in NOT_RUN if re.match(rule.pattern, line)), None)


def substituted(line: str) -> str:
    for pattern, replacement in SUBSTITUTIONS:
        line = re.sub(pattern, replacement, line)
    return line


def shortened(words: Sequence[str]) -> list[str]:
    """What runs in place of a command of skinlab: the same, and what makes it small."""
    line = " ".join(words)
    if "deployment=azure" in line or "deployment=ours" in line:
        return [*words, *(["--dry-run"] if words[0] == "deploy" and "--dry-run" not in words else [])]
    if words[0] == "ui":
        return [*words, "--no-browser"]
    if words[0] == "deploy":
        return [*words, "deployment.drain_seconds=1", "deployment.workers=1"]
    if words[0] not in ("train", "check") or "--help" in words:
        return list(words)
    appended = [override for pattern, found, _ in INSTEAD if re.search(pattern, line) for override in found]
    if not re.search(r"dataset=|experiment=(?!debug|phantoms_shuffled)", line):
        appended += PHANTOMS
    return [*(_fewer(words) if "-m" in words else words), *SHORT, *appended]


def _fewer(words: Sequence[str]) -> list[str]:
    """A sweep over two values of its first key and one of each other; ranges as they are: they are seeds and folds."""
    found, swept = [], False
    for word in words:
        values = re.split(r",(?![^({\[]*[)}\]])", word)
        sweeps = len(values) > 1 and "=" in word
        found.append(",".join(values[: 1 if swept else 2]) if sweeps else word)
        swept |= sweeps
    return found


def check_words(line: str) -> None:
    """A command of skinlab that is named in a text: its verbs, its options and its keys are those that there are."""
    words = line.split()[1:]
    verb: Verb | None = find(words[0])
    assert verb is not None, f"{line}: no such verb"
    while verb.verbs and len(words) > 1 and find(words[1], verb.verbs):
        verb, words = find(words[1], verb.verbs), words[1:]
        assert verb is not None
    options = [word.partition("=")[0] for word in words[1:] if word.startswith("-")]
    assert set(options) <= {*verb.options, "--help"}, f"{line}: no option {options}"
