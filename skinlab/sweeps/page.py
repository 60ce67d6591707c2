"""sweep.html: a sweep on a page, in the look of report.html. Validation alone is looked at; nothing is trained."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from skinlab import files, records
from skinlab.report.document import contents, document
from skinlab.report.markup import Html, element, paragraph, section, table, together
from skinlab.report.words import counted, sentence
from skinlab.sweeps import charts
from skinlab.sweeps.leaderboard import CONFIDENCE, Group
from skinlab.sweeps.outlook import MOST, Outlook
from skinlab.sweeps.progress import assigned, duration, exact
from skinlab.sweeps.state import Sweep, Trial

PAGE = "sweep.html"
MOST_ROWS = 20
EXPLANATION = """The share of a key is how much of the variance of the results it explains by itself. It is of these
points and these ranges: a key that was swept over a narrow range matters little here."""
SELECTION = """All numbers are of the validation subset, on which the best was chosen. Look at the test subset once, in
the report of the run that you choose."""


def sweep_page(sweep: Sweep) -> str:
    """The page.

    Args:
        sweep: its directory, refreshed; one that still runs has a page too.

    Returns:
        HTML, with everything in it.
    """
    outlook = Outlook(sweep)
    parts: dict[str, tuple[str, list[Html]]] = {
        "points": ("Points", list(_points(outlook))),
        "front": ("Pareto front", list(_front(outlook)) if len(outlook.objectives) > 1 and outlook.ranked else []),
        "parallel": ("Parallel coordinates", list(_parallel(outlook)) if outlook.axes and outlook.valued else []),
        "importance": ("Importance", list(_importance(outlook)) if outlook.axes else []),
        "slices": ("Slices", [charts.slices(outlook)] if outlook.axes and outlook.valued else []),
        "contours": ("Contours", [charts.contours(outlook)] if len(outlook.axes) > 1 and outlook.valued else []),
        "curves": ("Learning curves", [charts.learning(outlook)] if outlook.curves else []),
        "pruned": ("Pruned trials", list(_pruned(outlook))),
        "failed": ("Failed trials", list(_failed(outlook))),
        "cost": ("Cost", list(_cost(outlook))),
        "origin": ("How it was made", [_origin(outlook)]),
    }
    kept = {name: (title, inside) for name, (title, inside) in parts.items() if inside}
    sections = [section(name, title, *inside) for name, (title, inside) in kept.items()]
    links = contents({name: title for name, (title, _) in kept.items()})
    return document(_title(outlook), [_headline(outlook), links, *sections])


def write(sweep: Sweep) -> None:
    """Write the page into the sweep's directory.

    Raises:
        OutputError: it cannot be written.
    """
    files.write_text(sweep.path / PAGE, sweep_page(sweep))


def _title(outlook: Outlook) -> str:
    return f"{outlook.config['name']}: sweep of {counted(len(outlook.sweep.trials), 'trial')}"


# --- headline ------------------------------------------------------------------------------------------------------


def _headline(outlook: Outlook) -> Html:
    sweep = outlook.sweep
    remarks = (
        [] if sweep.status == "finished" else [f"the sweep is {sweep.status}: what is here is of its trials so far"]
    )
    if why := (sweep.record.get("optimism") or {}).get("why"):
        remarks.append(f"no estimate of how optimistic the best is: {why}")
    return together(
        [
            element("h1", _title(outlook)),
            paragraph(sentence(records.warning(outlook.config.get("dataset.name"))), class_="warning"),
            element("ul", *(element("li", remark) for remark in remarks), class_="remarks") if remarks else "",
            paragraph(SELECTION),
            element("dl", *(_card(*card) for card in _cards(outlook)), class_="headline"),
        ]
    )


def _card(label: str, value: str, *below: object) -> Html:
    return element("div", element("dt", label), element("dd", value, *(element("small", each) for each in below)))


def _cards(outlook: Outlook) -> Iterator[tuple[Any, ...]]:
    """The best, what to expect of it, how many trials came to what, and the time."""
    name, sweep = outlook.objectives[0], outlook.sweep
    if outlook.ranked:
        best = outlook.ranked[0]
        many = len(best.trials)
        below = [assigned(best.parameters), _link(best)]
        yield (
            f"Best {name} (validation)",
            f"{best.means[0]:.4f}",
            *([f"mean of {many} runs"] if many > 1 else []),
            *below,
        )
    found = sweep.record.get("optimism") or {}
    if found.get("expected") is not None:
        interval = (
            "" if found["low"] is None else f"{CONFIDENCE:.0%} interval [{found['low']:.4f}, {found['high']:.4f}]"
        )
        said = f"the best of {found['points']} looks {abs(found['optimism']):.4f} too good"
        yield f"Expect {found['metric']} of it", f"{found['expected']:.4f}", *([interval] if interval else []), said
    counts = sweep.counts()
    others = ", ".join(f"{count} {status}" for status, count in counts.items() if status != "finished")
    yield "Trials", f"{counts.get('finished', 0)} finished", others or "none failed"
    yield "Time in trials", duration(_seconds(sweep.trials)), f"{_wall(sweep)} from start to end"


def _link(group: Group) -> Html:
    """The reports of its runs."""
    links = [element("a", f"run {trial.run}", href=f"{trial.run}/report.html") for trial in group.trials]
    return together(links, ", ")


# --- points --------------------------------------------------------------------------------------------------------


def _points(outlook: Outlook) -> Iterator[Html]:
    if not outlook.ranked:
        yield paragraph("No point has a value yet.", class_="dim")
        return
    keys = list(dict.fromkeys(key for group in outlook.groups for key in group.parameters))
    last = [key.rpartition(".")[2] for key in keys]
    names = last if len(set(last)) == len(last) else keys
    head = ["Rank", *names, *outlook.objectives, "Runs"]
    rows = [
        [rank, *(exact(group.parameters.get(key)) for key in keys), *_values(group, outlook), _link(group)]
        for rank, group in enumerate(outlook.ranked[:MOST_ROWS], start=1)
    ]
    ranked = len(outlook.ranked)
    all_of = (
        counted(ranked, "ranked point") if ranked <= MOST_ROWS else f"The best {MOST_ROWS} of {ranked} ranked points"
    )
    yield table(f"{all_of}, by validation {outlook.objectives[0]}; all in leaderboard.csv", head, rows)


def _values(group: Group, outlook: Outlook) -> Iterator[Html]:
    """Mean of each objective, and of several runs its spread."""
    for at in range(len(outlook.objectives)):
        spread = group.spread(at)
        below = f"SD {spread[0]:.4f}; {CONFIDENCE:.0%} [{spread[1]:.4f}, {spread[2]:.4f}]" if spread else ""
        yield together([f"{group.means[at]:.4f}", element("small", below) if below else ""])


def _front(outlook: Outlook) -> Iterator[Html]:
    yield paragraph("The points that no other is better than in everything.")
    drawn = [charts.front(outlook, 0, at) for at in range(1, len(outlook.objectives))]
    yield element("div", *drawn, class_="charts")
    on = {group.number for group in outlook.front}
    rows = [
        [f"trial {group.trials[0].number}", *_values(group, outlook), assigned(group.parameters), _link(group)]
        for group in outlook.groups
        if group.number in on
    ]
    yield table("On the front", ["Point", *outlook.objectives, "Parameters", "Runs"], rows)


# --- parameters ----------------------------------------------------------------------------------------------------


def _parallel(outlook: Outlook) -> Iterator[Html]:
    yield charts.parallel(outlook)
    yield charts.sixths(outlook)
    for remark in _drawn(outlook):
        yield paragraph(remark, class_="dim")


def _drawn(outlook: Outlook) -> Iterator[str]:
    """What the charts do not show as it is."""
    if outlook.sweep.record["declaration"]["sweep"].get("scaled"):
        yield "The charts show values as they were chosen, before sweep.scaled; the table shows those of the runs."
    if outlook.beyond:
        worse = f"{counted(outlook.beyond, 'point')} worse than {outlook.limit:.4g}"
        yield f"{worse} drawn at the edge of all charts, and counted there in importance and means."
    if len(outlook.ranked) > MOST:
        yield f"The charts show the best {MOST} of {len(outlook.ranked)} points."


def _importance(outlook: Outlook) -> Iterator[Html]:
    found = outlook.importance
    if not found.shares:
        yield paragraph(f"Not known: {found.method}.", class_="dim")
        return
    named = sorted(zip((axis.name for axis in outlook.axes), found.shares, strict=True), key=lambda one: -one[1])
    rows = [(name, f"{share:.0%}", _bar(share)) for name, share in [*named, ("together", found.together)]]
    yield table(f"Share of the variance of {outlook.objectives[0]} ({found.method})", ("Key", "Share", ""), rows)
    if found.explained is not None:
        poor = "; that is too little to believe the shares" if found.explained < 0.5 else ""  # noqa: PLR2004 - half
        part = f"{max(0.0, found.explained):.0%}"
        yield paragraph(f"The forest predicts {part} of the variance of points that it was not grown from{poor}.")
    yield paragraph(EXPLANATION, class_="dim")


def _bar(share: float) -> Html:
    drawn = element("rect", x=0, y=0, width=max(1.0, 200 * share), height=12, class_="share")
    return element("svg", drawn, viewBox="0 0 200 12", class_="shares", aria_hidden="true")


# --- trials --------------------------------------------------------------------------------------------------------


def _pruned(outlook: Outlook) -> Iterator[Html]:
    ended = [trial for trial in outlook.sweep.trials if trial.status == "pruned"]
    if not ended:
        return
    left_out = sum(outlook.epochs_of(trial) - trial.epochs for trial in ended)
    whole = sum(outlook.epochs_of(trial) for trial in outlook.sweep.trials if trial.has_ended)
    yield paragraph(f"{counted(len(ended), 'trial')} ended early: {left_out} of {whole} epochs were not trained. They "
                    "are no failures, and are not ranked; `skinlab resume RUN` trains one to its end.")  # fmt: skip
    rows = [(_run(trial), assigned(trial.parameters), trial.epochs, outlook.pruning_reason(trial)) for trial in ended]
    yield _limited("Ended early", ("Trial", "Parameters", "Epochs", "Why"), rows)


def _failed(outlook: Outlook) -> Iterator[Html]:
    rows = [
        (_run(trial), assigned(trial.parameters), trial.attempts, trial.error or "")
        for trial in outlook.sweep.trials
        if trial.status == "failed"
    ]
    if rows:
        yield _limited("Failed", ("Trial", "Parameters", "Attempts", "Why"), rows)


def _run(trial: Trial) -> Html:
    return element("a", f"run {trial.run}", href=f"{trial.run}/train.log")


def _limited(caption: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> Html:
    more = f", the first {MOST_ROWS} of {len(rows)}" if len(rows) > MOST_ROWS else ""
    return table(caption + more, head, rows[:MOST_ROWS])


def _cost(outlook: Outlook) -> Iterator[Html]:
    trials, total = outlook.sweep.trials, _seconds(outlook.sweep.trials)
    rows = []
    for status in outlook.sweep.counts():
        of = [trial for trial in trials if trial.status == status]
        share = f"{_seconds(of) / total:.0%}" if total else "-"
        rows.append((status, len(of), sum(trial.epochs for trial in of), duration(_seconds(of)), share))
    yield table("What the time was spent on", ("Status", "Trials", "Epochs", "Time", "Share"), rows)
    drawn = [charts.progress(outlook)] if outlook.valued else []
    drawn += [charts.durations(outlook)] if total else []
    yield element("div", *drawn, class_="charts")


def _seconds(trials: Sequence[Trial]) -> float:
    return sum(trial.seconds or 0.0 for trial in trials)


def _wall(sweep: Sweep) -> str:
    ends = [trial.finished for trial in sweep.trials if trial.finished]
    last = sweep.record["finished"] or max(ends, default=sweep.record["started"])
    return duration((datetime.fromisoformat(last) - datetime.fromisoformat(sweep.record["started"])).total_seconds())


def _origin(outlook: Outlook) -> Html:
    record = outlook.sweep.record
    declared, code = record["declaration"]["sweep"], record["code"]
    commit = f", commit {code['commit']}" + (" with changes" if code.get("dirty") else "") if code.get("commit") else ""
    facts = [
        ("command", element("code", record["command"])),
        ("sampler", f"{declared['sampler']}, seed {declared['seed']}"),
        ("pruner", declared["pruner"]),
        ("objectives", ", ".join(f"{one['metric']} ({one['direction']})" for one in record["objectives"])),
        ("launcher", record["declaration"].get("launcher", "-")),
        ("threads of each trial", record.get("threads") or outlook.config.get("engine.threads") or "-"),
        ("code", f"skinlab {code['version']}{commit}"),
        ("started", record["started"]),
        ("gone on with", ", ".join(record.get("resumed", [])) or "never"),
    ]
    return table("Declaration and code", ("What", "Value"), facts)
