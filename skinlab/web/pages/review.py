"""Review: look at a data set's images and correct their labels. Every change is on the disk before it is answered."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from skinlab.data.classes import labels_of
from skinlab.data.label_log.edit import LabelConflict, Wanted, set_labels, undo_all
from skinlab.data.label_log.entries import Entry
from skinlab.web.rendering import page
from skinlab.web.review import table, telling, uses
from skinlab.web.review.desk import Desk
from skinlab.web.workplace import Workplace

MOST_ROWS = 500
"""So many rows are answered at a time."""
MOST_CHANGES = 1000
"""So many labels are changed in one step."""
MOST_NEWS = 1000
LONGEST = 2000
"""Characters of a text that is kept in the log."""

Asked = Annotated[table.Query, Depends()]
Number = Annotated[int, Query(ge=0)]


class Change(BaseModel):
    """A label that an image is to have; `seen` is the number of its last entry that the page knew of."""

    id: str = Field(max_length=LONGEST)
    label: str = Field(max_length=LONGEST)
    seen: int = Field(ge=0)


class Signed(BaseModel):
    """By whom, and the reason."""

    who: str = Field(max_length=LONGEST)
    why: str = Field(max_length=LONGEST)


class Changes(Signed):
    """Labels to set: all of them or none."""

    changes: list[Change] = Field(min_length=1, max_length=MOST_CHANGES)


class Undone(Signed):
    """Entries to undo: all of them or none."""

    entries: list[Annotated[int, Field(ge=1)]] = Field(min_length=1, max_length=MOST_CHANGES)


def router(workplace: Workplace) -> APIRouter:
    """`/review`, the page, and what it asks for."""
    made = APIRouter(prefix="/review")
    desk = Desk(workplace)

    @made.get("")
    def review(request: Request) -> Response:
        facts = None if workplace.dataset is None else telling.facts(desk)
        return page(request, "review.html", facts=facts, dataset=workplace.dataset)

    _of_lists(made, desk)
    _of_images(made, desk)
    _changing(made, desk)
    return made


def _of_lists(made: APIRouter, desk: Desk) -> None:
    """Which images there are, as the labels were after `at` entries: a list does not move while it is worked on."""

    @made.get("/count")
    def count(asked: Asked, at: int | None = None) -> dict[str, int]:
        entries = desk.entries(at)
        return {"images": len(desk.table.rows(asked, entries)), "at": len(entries)}

    @made.get("/rows")
    def rows(
        asked: Asked, at: Number, start: Number, count: Annotated[int, Query(ge=1, le=MOST_ROWS)]
    ) -> dict[str, Any]:
        now = desk.entries()
        chosen = desk.table.rows(asked, now[:at])[start : start + count]
        current = desk.table.snapshot(now)
        return {"rows": [telling.row_said(desk.table, current, int(row)) for row in chosen]}

    @made.get("/ids")
    def ids(asked: Asked, at: Number) -> list[str]:
        held = desk.table.opened.manifest.image_ids
        return [held[row] for row in desk.table.rows(asked, desk.entries(at))]


def _of_images(made: APIRouter, desk: Desk) -> None:
    @made.get("/image")
    def image(id: str) -> dict[str, Any]:  # noqa: A002 - an image's id
        row = desk.table.opened.row_of(id)
        if row is None:
            raise HTTPException(404, "no such image")
        return telling.image(desk, row)

    @made.get("/news")
    def news(since: Number) -> dict[str, Any]:
        entries = desk.entries()
        new = entries[since : since + MOST_NEWS]
        return {"entries": len(entries), "new": [telling.told(entry) for entry in new]}

    @made.get("/outdated")
    def outdated() -> list[dict[str, Any]]:
        return [asdict(one) for one in uses.outdated(desk.workplace.output, desk.entries())]


def _changing(made: APIRouter, desk: Desk) -> None:
    @made.post("/labels")
    def labels(asked: Changes) -> Response:
        opened, log = desk.table.opened, desk.writable()
        wanted = [Wanted(one.id, one.label, one.seen) for one in asked.changes]
        further = labels_of(opened.dataset.classes)
        return _entered(lambda: set_labels(log, opened.manifest, wanted, why=asked.why, who=asked.who, further=further))

    @made.post("/undo")
    def undo(asked: Undone) -> Response:
        log = desk.writable()
        return _entered(lambda: undo_all(log, asked.entries, why=asked.why, who=asked.who))


def _entered(change: Callable[[], list[Entry]]) -> Response:
    """What became of a change: 409 where somebody else was faster, with their entries."""
    try:
        return JSONResponse({"done": [telling.told(entry) for entry in change()]})
    except LabelConflict as conflict:
        said = [telling.told(entry) for entry in conflict.entries]
        return JSONResponse({"error": str(conflict), "conflicts": said}, 409)
