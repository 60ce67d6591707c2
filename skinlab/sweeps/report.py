"""How a sweep ended, in a few lines for the terminal."""

from collections import Counter

from skinlab.attempt import short
from skinlab.report.words import counted
from skinlab.sweeps.progress import assignment
from skinlab.sweeps.state import Sweep


def summary(sweep: Sweep) -> str:
    """Counts, failures by their reason, the best trial and where it lies."""
    counts = sweep.counts()
    others = [f", {counts[status]} {status}" for status in ("pruned", "interrupted", "waiting") if counts.get(status)]
    lines = [
        "",
        f"{counted(len(sweep.trials), 'run')}: {counts.get('finished', 0)} finished, {counts.get('failed', 0)} failed"
        + "".join(others),
        *(f"  {short(sweep.run_path(t))}: {t.error}" for t in sweep.trials if t.status == "failed"),
        *_best(sweep),
        *filter(None, [expected(sweep)]),
        *_interrupted(sweep),
    ]
    return "\n".join(lines) + "\n"


def _best(sweep: Sweep) -> list[str]:
    names = [objective["metric"] for objective in sweep.record["objectives"]]
    found = sweep.record["pareto"] or ([sweep.record["best"]] if sweep.record["best"] else [])
    title = "Pareto front, by validation" if sweep.record["pareto"] else "best by validation"
    of_group = Counter(trial.group for trial in sweep.trials)
    lines = []
    for one in found:
        trial = sweep.trials[one["trial"]]
        values = ", ".join(f"{name} {value:.4f}" for name, value in zip(names, one["values"], strict=True))
        mean = f" (mean of {of_group[trial.group]} runs)" if of_group[trial.group] > 1 else ""
        said = filter(None, [f"{values}{mean}", assignment(trial.parameters), str(short(sweep.run_path(trial)))])
        lines.append(": ".join([title, *said]))
    return lines


def expected(sweep: Sweep) -> str | None:
    """How much of the best value is luck; None where that is not known."""
    found = sweep.record.get("optimism")
    if not found or found["expected"] is None:
        return None
    interval = "" if found["low"] is None else f" [{found['low']:.4f}, {found['high']:.4f}]"
    return f"chosen as the best of {found['points']}: expect {found['metric']} {found['expected']:.4f}{interval} of it"


def _interrupted(sweep: Sweep) -> list[str]:
    if sweep.status == "finished":
        return []
    return [f"{sweep.status}: go on with `skinlab sweep resume {short(sweep.path)}`"]
