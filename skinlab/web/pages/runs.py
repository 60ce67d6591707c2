"""Runs: the table of all, comparisons of several, sweeps while they run and after, reports."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinlab.data.wording import nearest
from skinlab.errors import ConfigError, DataError, OutputError, SkinlabError
from skinlab.evaluation.summary import METRICS
from skinlab.runs import listing
from skinlab.runs.places import SWEEPS
from skinlab.sweeps.state import SWEEP_FILE
from skinlab.web import watched
from skinlab.web.addresses import find_run, find_sweep, name_of, query
from skinlab.web.keeping import Kept
from skinlab.web.seen import state_of
from skinlab.web.workplace import Workplace

if TYPE_CHECKING:
    from fastapi import APIRouter
    from starlette.requests import Request
    from starlette.responses import Response

    from skinlab.comparison.gate import Mode

SHOWN = 100
"""Runs on a page."""
MOST_COMPARED = 60
"""Runs of one comparison."""
MOST_RANKED = 2000
"""Runs of which the best are found for a comparison."""
MOST_SWEEPS = 12
BEST = 5
"""Experiments of a sweep that its page offers to compare."""
AGES = {"1": "a day", "7": "a week", "30": "30 days"}
"""Since when runs were started: days, and how that is said."""
MODES = {
    "all": "only if they are comparable",
    "common": "on the test images that are the same",
    "forced": "all the same, whatever differs",
}
LARGEST_REPORT = 200_000_000
ALONE = "; ".join(
    [
        "sandbox",
        "default-src 'none'",
        "img-src data:",
        "style-src 'unsafe-inline'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
)
"""A report may be somebody else's: it gets an origin of its own, asks nobody for anything and runs no script, which
could carry off the address of the page, with its key, by navigating away."""


@dataclass(frozen=True)
class Wanted:
    """What the table of runs is asked for: conditions as `skinlab runs` takes them, age in days, order, page."""

    q: str = ""
    since: str = ""
    sort: str = ""
    reverse: bool = False
    page: int = 1

    def words(self, **changes: object) -> str:
        """The address behind its question mark."""
        given = {**vars(self), **changes}
        given["reverse"] = "1" if given["reverse"] else None
        return query(**(given | {"page": None if given["page"] == 1 else given["page"]}))


def router(workplace: Workplace) -> "APIRouter":
    """`/runs`, `/runs/compare`, `/runs/sweep` with `/runs/sweep/state`, and `/runs/report`."""
    from typing import Annotated, Literal

    from fastapi import APIRouter, Query, Request
    from starlette.responses import Response

    made, pages = APIRouter(prefix="/runs"), _Pages(workplace)
    word = Query(max_length=1000)

    @made.get("")
    def table(
        request: Request,
        q: Annotated[str, word] = "",
        since: Literal["", "1", "7", "30"] = "",
        sort: Annotated[str, word] = "",
        reverse: bool = False,
        page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    ) -> Response:
        return pages.table(request, Wanted(q, since, sort, reverse, page))

    @made.get("/compare")
    def compare(
        request: Request,
        run: Annotated[list[str] | None, Query(max_length=1000)] = None,
        sweep: Annotated[str, word] = "",
        metric: Annotated[str, word] = "auc",
        mode: Literal["all", "common", "forced"] = "all",
        top: Annotated[int | None, Query(ge=2, le=100)] = None,
    ) -> Response:
        return pages.compare(request, run or [], sweep, metric, mode, top)

    @made.get("/sweep")
    def sweep(request: Request, sweep: Annotated[str, word]) -> Response:
        return pages.sweep(request, "sweep.html", sweep)

    @made.get("/sweep/state")
    def state(request: Request, sweep: Annotated[str, word]) -> Response:
        return pages.sweep(request, "sweep_state.html", sweep)

    @made.get("/report")
    def report(run: Annotated[str, word] = "", sweep: Annotated[str, word] = "") -> Response:
        return pages.report(run, sweep)

    return made


class _Pages:
    """What the addresses answer; each runs on a thread of its own, none on the server's loop."""

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace
        self._compared: Kept[tuple[str, Any, bool]] = Kept(8)

    # --- the table -------------------------------------------------------------------------------------------------

    def table(self, request: "Request", wanted: Wanted) -> "Response":
        """All runs that meet the conditions, a page of them; or what is wrong with a condition."""
        from skinlab.web.rendering import page

        try:
            found, wrong = self._found(wanted), None
        except (ConfigError, ValueError) as error:
            found = listing.NOTHING
            wrong = str(error) if isinstance(error, ConfigError) else f"{wanted.q}: {str(error).lower()}"
        pages = max(1, -(-len(found.runs) // SHOWN))
        number = min(wanted.page, pages)
        shown = found.runs[(number - 1) * SHOWN : number * SHOWN]
        return page(
            request,
            "runs.html",
            422 if wrong else 200,
            wanted=wanted,
            wrong=wrong,
            found=found,
            rows=[self._row(listed, found.columns) for listed in shown],
            headings={key: listing.heading(key) for key in found.columns},
            numbers=(number, pages),
            ages=AGES,
            warnings=_warnings(found, shown),
            sweeps=self._sweeps(),
            output=self._workplace.output,
        )

    def _found(self, wanted: Wanted) -> listing.Listing:
        since = listing.moment(timedelta(days=int(wanted.since))) if wanted.since else None
        return listing.listing(
            self._workplace.output,
            shlex.split(wanted.q),
            since=since,
            sort=wanted.sort or None,
            reverse=wanted.reverse,
        )

    def _row(self, listed: listing.Listed, columns: Sequence[str]) -> dict[str, Any]:
        facts = listed.facts
        error = facts.error if facts.status in ("failed", "damaged") else None
        return {
            "name": name_of(self._workplace, listed.path),
            "cells": {key: listing.cell(facts, key) for key in columns},
            "status": facts.status,
            "epoch": _epoch(listed.path) if facts.status == "running" else None,
            "error": error,
            "has_report": facts.status == "finished" and (listed.path / "report.html").is_file(),
        }

    def _sweeps(self) -> list[dict[str, str]]:
        """The sweeps that were begun last, with how they stand."""
        root = self._workplace.output / SWEEPS
        depths = ("*/*", "*/*/*")  # a name may have a slash
        found = [file.parent for depth in depths for file in root.glob(f"{depth}/{SWEEP_FILE}")]
        newest = sorted(found, key=lambda path: path.name, reverse=True)[:MOST_SWEEPS]
        return [self._sweep_line(path) for path in newest]

    def _sweep_line(self, path: Path) -> dict[str, str]:
        name = path.relative_to(self._workplace.output).as_posix()
        line = {"name": name, "title": name.removeprefix(f"{SWEEPS}/")}
        try:
            return {**line, **watched.standing(path)}
        except OutputError as error:
            return {**line, "status": "damaged", "said": str(error)}

    # --- comparisons -----------------------------------------------------------------------------------------------

    def compare(
        self, request: "Request", names: Sequence[str], sweep: str, metric: str, mode: "Mode", top: int | None
    ) -> "Response":
        """Several runs, or the best of a sweep, beside each other: with verdicts, or why there are none."""
        from skinlab.web.rendering import page

        if metric not in METRICS:
            raise _refusal(422, f"{metric}: no such number{nearest(metric, METRICS)}; there are {', '.join(METRICS)}")
        paths = self._compared_paths(names, sweep, MOST_COMPARED if top is None else MOST_RANKED)
        key = (tuple((path, state_of(path)) for path in paths), metric, mode, top)
        try:
            title, content, ranked = self._compared.get(key, lambda: _compared(paths, metric, mode, top))
        except SkinlabError as error:
            raise _refusal(422, str(error)) from error
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise _refusal(409, f"the files of one of these runs are not as skinlab writes them ({error!r})") from error
        return page(
            request,
            "compare.html",
            title=title,
            content=content,
            ranked=ranked,
            names=names,
            sweep=sweep,
            top=top,
            metric=metric,
            metrics=METRICS,
            mode=mode,
            modes=MODES,
        )

    def _compared_paths(self, names: Sequence[str], sweep: str, most: int) -> list[Path]:
        from skinlab.comparison.finding import find_runs

        try:
            found = [find_run(self._workplace, name) for name in names[: MOST_COMPARED + 1]]
            if sweep:
                found += find_runs([str(find_sweep(self._workplace, sweep))], self._workplace.output)
        except OutputError as error:
            raise _refusal(404, str(error)) from error
        except DataError as error:
            raise _refusal(409, str(error)) from error
        if len(found) < 2:  # noqa: PLR2004 - a comparison
            raise _refusal(422, "choose two runs or more in the table of runs")
        if len(found) > most:
            raise _refusal(
                422, f"at most {most} runs are compared on a page; `skinlab compare` takes as many as you like"
            )
        return found

    # --- sweeps and reports ----------------------------------------------------------------------------------------

    def sweep(self, request: "Request", template: str, name: str) -> "Response":
        """How a sweep stands: its page, or the part of it that is asked for again."""
        from skinlab.web.rendering import page

        try:
            path = find_sweep(self._workplace, name)
        except OutputError as error:
            raise _refusal(404, str(error)) from error
        try:
            values = watched.sweep(path)
        except OutputError as error:
            raise _refusal(409, str(error)) from error
        return page(request, template, sweep=name, best=BEST, folds=(path / "folds.html").is_file(), **values)

    def report(self, run: str, sweep: str) -> "Response":
        """report.html of a run, or folds.html of a cross-validation, in an origin of its own."""
        from starlette.responses import FileResponse

        try:
            folder = find_sweep(self._workplace, sweep) if sweep else find_run(self._workplace, run)
        except OutputError as error:
            raise _refusal(404, str(error)) from error
        file = folder / ("folds.html" if sweep else "report.html")
        if not file.is_file() or file.is_symlink():
            raise _refusal(404, f"{folder} has no {file.name}")
        if file.stat().st_size > LARGEST_REPORT:
            raise _refusal(409, f"{file} is too large for a page")
        return FileResponse(file, media_type="text/html", headers={"content-security-policy": ALONE})


def _compared(paths: Sequence[Path], metric: str, mode: "Mode", top: int | None) -> tuple[str, Any, bool]:
    from markupsafe import Markup

    from skinlab.comparison.arms import open_runs
    from skinlab.comparison.comparing import Question, compare
    from skinlab.comparison.page import content, title
    from skinlab.report.markup import together

    comparison = compare(*open_runs(paths), Question(metric, mode, top))
    shown = Markup(together(content(comparison)))  # noqa: S704 - made of escaped parts
    return title(comparison), shown, comparison.ranked


def _warnings(found: listing.Listing, shown: Sequence[listing.Listed]) -> list[str]:
    """What must be known of the numbers in the table."""
    said = [listing.CHOSEN_BY_TEST] if found.by_test else []
    if any(listed.facts.values.get("dataset.name") == "synthetic" for listed in shown):
        said.append(listing.PHANTOMS)
    return [f"{one[0].upper()}{one[1:]}." for one in said]


def _epoch(run: Path) -> int | None:
    try:
        epochs = watched.epochs_of(run)
    except OutputError:
        return None
    return epochs[-1]["epoch"] if epochs else None


def _refusal(status: int, reason: str) -> Exception:
    from fastapi import HTTPException

    return HTTPException(status, reason)
