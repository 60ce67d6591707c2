"""The list of runs, for the terminal and for the page: which are kept, in which order, what a cell says of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from skinlab.runs import filters, index
from skinlab.runs.facts import Facts
from skinlab.runs.filters import Filter, Keys

METRIC = "validation.auc"
COLUMNS = ("id", "experiment", "status", "dataset.name", "network.name", METRIC, "tag")
"""Of every list."""
CHOSEN_BY_TEST = "chosen by the test subset: the score of the best is biased upwards; choose by validation"
PHANTOMS = "dataset synthetic: drawn phantoms; such numbers say nothing about medicine"
_SHORT = 12
_NAMED = {"started": "started (UTC)", "finished": "finished (UTC)", "tag": "tags"}


@dataclass(frozen=True)
class Listed:
    """A run in the list."""

    path: Path
    facts: Facts


@dataclass(frozen=True)
class Listing:
    """What is shown.

    Attributes:
        runs: those that are kept, in order.
        columns: keys, each once.
        total: how many there are in the output folder.
        by_test: whether the test subset had a say in which are kept, or in their order.
        sort: the key that orders them; None: the newest first.
        downwards: whether its largest values come first.
    """

    runs: list[Listed]
    columns: list[str]
    total: int
    by_test: bool
    sort: str | None
    downwards: bool


NOTHING = Listing(runs=[], columns=list(COLUMNS), total=0, by_test=False, sort=None, downwards=True)
"""In the place of a listing whose conditions are not understood."""


def listing(
    output: Path,
    words: Sequence[str] = (),
    *,
    since: str | None = None,
    sort: str | None = None,
    reverse: bool = False,
    columns: Sequence[str] = (),
) -> Listing:
    """The runs of an output folder that meet all conditions.

    Args:
        output: the folder.
        words: conditions as typed, e.g. `auc>0.8`.
        since: the moment, as run.json writes it, before which none began; see `moment`.
        sort: a key; None: the newest first. Of metrics the best come first, of others the smallest.
        reverse: turn the order around.
        columns: further keys to show.

    Raises:
        ConfigError: a word is no condition, or no run has a key.
    """
    runs = [Listed(path, facts) for path, facts in index.all_runs(output).items()]
    keys = Keys(listed.facts for listed in runs)
    conditions = [filters.read(text, keys) for text in words]
    by = None if sort is None else keys.resolve(sort)
    named = [keys.resolve(name) for name in columns]
    used = [*(one.key for one in conditions), *([by] if by else [])]
    downwards = (by is None or (filters.is_metric(by) and not filters.is_lower_better(by))) != reverse
    kept = [listed for listed in runs if _is_kept(listed.facts, conditions, since)]
    return Listing(
        runs=_sorted(kept, by or "started", downwards=downwards),
        columns=list(dict.fromkeys([*COLUMNS, *named, *used])),
        total=len(runs),
        by_test=any(key.startswith("test.") for key in used),
        sort=by,
        downwards=downwards,
    )


def moment(age: timedelta) -> str:
    """So long ago, as run.json writes it."""
    return (datetime.now(UTC) - age).isoformat()


def _is_kept(facts: Facts, conditions: Sequence[Filter], since: str | None) -> bool:
    started = facts.values["started"]
    if since is not None and (started is None or started < since):
        return False
    return all(condition.keeps(facts) for condition in conditions)


def _sorted(runs: list[Listed], key: str, *, downwards: bool) -> list[Listed]:
    """By a key, those that lack it last."""
    with_key = [listed for listed in runs if filters.value_of(listed.facts, key) is not None]
    without = [listed for listed in runs if filters.value_of(listed.facts, key) is None]
    return sorted(with_key, key=lambda listed: _order(filters.value_of(listed.facts, key)), reverse=downwards) + without


def _order(value: Any) -> tuple[int, Any]:
    """Numbers before texts, each in their order."""
    return (0, value) if isinstance(value, int | float) else (1, str(value))


# --- what is said ---------------------------------------------------------------------------------------------------


def heading(key: str) -> str:
    """What a column is called.

    >>> heading("validation.auc"), heading("dataset.name"), heading("tag")
    ('validation auc', 'dataset', 'tags')
    """
    return _NAMED.get(key, key.removesuffix(".name").replace("validation.", "validation ").replace("test.", "test "))


def cell(facts: Facts, key: str) -> str:
    """What a column says of a run; empty where it does not have the key."""
    value = filters.value_of(facts, key)
    if value is None:
        return ""
    if isinstance(value, list):
        return " ".join(map(str, value))
    if key in facts.intervals:
        return _number(value, facts.intervals[key])
    if key in ("started", "finished"):
        return str(value)[:16].replace("T", " ")
    if key in ("commit", "split_hash", "dataset_fingerprint", "label_revision"):
        return str(value)[:_SHORT]
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _number(value: Any, interval: Sequence[float | None]) -> str:
    low, high = interval
    if not all(one is None or isinstance(one, int | float) for one in (value, low, high)):  # somebody else's file
        return str(value)
    return f"{value:.3f}" if low is None or high is None else f"{value:.3f} [{low:.3f}, {high:.3f}]"
