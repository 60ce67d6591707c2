"""Results: the images of a run with what it said of each, its curves and its matrix at any threshold."""

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from skinlab import records
from skinlab.errors import DataError, OutputError, SkinlabError
from skinlab.evaluation import subgroups, tables
from skinlab.evaluation.metrics import Integers
from skinlab.evaluation.summary import BINARY
from skinlab.report import charts, sections, threshold
from skinlab.report.facts import Scored
from skinlab.report.markup import Html, text
from skinlab.report.words import sentence
from skinlab.results.cards import card, sheet
from skinlab.results.choosing import Answers, decisions, in_subgroup, sorts
from skinlab.results.columns import named
from skinlab.results.reading import SUBSETS, Results, of_rows, summary_of
from skinlab.run import Run
from skinlab.web import watched
from skinlab.web.addresses import find_run, name_of, query
from skinlab.web.asked import Asked
from skinlab.web.keeping import Kept
from skinlab.web.seen import Pictures, Seen, state_of
from skinlab.web.workplace import Workplace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fastapi import APIRouter
    from starlette.requests import Request
    from starlette.responses import Response

SIDE = 256
"""Longer side of the pictures of the grid, in pixels."""
FRESH_S = 600
"""Seconds for which a browser does not ask for a picture again."""
SMALLEST = 10
"""Images of each class from which on a subgroup says something, where the run does not say."""


def router(workplace: Workplace) -> "APIRouter":
    """`/results`, and its parts: `/results/images`, `/results/image`, `/results/picture`, `/results/state`."""
    from typing import Annotated, Literal

    from fastapi import APIRouter, Depends, Query, Request
    from starlette.responses import Response

    made, pages = APIRouter(prefix="/results"), _Pages(workplace)
    word = Query(max_length=1000)

    def read(
        run: Annotated[str, word] = "",
        subset: Literal["test", "validation"] = "test",
        truth: Annotated[str, word] = "",
        called: Annotated[str, word] = "",
        answers: Answers = "all",
        group: Annotated[str, word] = "",
        text: Annotated[str, word] = "",
        sort: Annotated[str, word] = "loss",
        threshold: Annotated[str, Query(max_length=40)] = "",
        look: Literal["image", "heat"] = "image",
        page: Annotated[int, Query(ge=1, le=10_000_000)] = 1,
    ) -> Asked:
        return Asked(run, subset, truth, called, answers, group, text, sort, threshold, look, page)

    asking = Depends(read)

    @made.get("")
    def results(request: Request, asked: Asked = asking) -> Response:
        return pages.whole(request, asked)

    @made.get("/images")
    def images(request: Request, asked: Asked = asking) -> Response:
        return pages.images(request, asked)

    @made.get("/image")
    def image(request: Request, row: int, asked: Asked = asking) -> Response:
        return pages.image(request, asked, row)

    @made.get("/picture")
    def picture(
        request: Request,
        row: int,
        kind: Literal["small", "whole", "heat"] = "small",
        code: int = 0,
        asked: Asked = asking,
    ) -> Response:
        return pages.picture(request, asked, row, kind, code)

    @made.get("/state")
    def state(request: Request, asked: Asked = asking) -> Response:
        return pages.state(request, asked)

    return made


class _Pages:
    """What the addresses answer; each runs on a thread of its own, none on the server's loop."""

    def __init__(self, workplace: Workplace) -> None:
        self._workplace, self._seen = workplace, Seen(workplace)
        self._numbers: Kept[dict[str, Any]] = Kept(24)
        self._curves: Kept[tuple[Html, Html]] = Kept(24)

    # --- pages -----------------------------------------------------------------------------------------------------

    def whole(self, request: "Request", asked: Asked) -> "Response":
        """The page of a run: of one that is not finished, how it stands."""
        from starlette.responses import RedirectResponse

        from skinlab.web.rendering import page

        base = request.scope.get("root_path", "")
        if not asked.run:
            named_run = self._workplace.runs[:1]
            place = f"/results?{query(run=name_of(self._workplace, named_run[0]))}" if named_run else "/runs"
            return RedirectResponse(base + place, 303)
        path = self._path(asked)
        if _status(path) != "finished":
            return self._standing(request, "run.html", asked, path)
        results, pictures = self._opened(asked)
        listed = self._listed(request, asked, results, pictures)
        with _as_written(path):
            rows, summary = self._numbers_of(asked, results, pictures)
            scored = of_rows(results.scored, rows).of_known_label()
            curves = self._curves.get(
                (*_key(results), asked.group),
                lambda: (charts.roc(scored, summary), charts.precision_recall(scored, summary)),
            )
            shown = _head(results) | _decisions(scored, summary, curves, asked, base)
            small = _too_small(results, summary) if asked.group else None
        return page(
            request,
            "results.html",
            **listed,
            **shown,
            sorts=sorts(results),
            subsets=[name for name in SUBSETS if name in results.result],
            groups=named(pictures.columns),
            small=small,
        )

    def images(self, request: "Request", asked: Asked) -> "Response":
        """The chosen images alone, for the script of the page."""
        from skinlab.web.rendering import page

        return page(request, "results_images.html", **self._listed(request, asked, *self._opened(asked)))

    def image(self, request: "Request", asked: Asked, row: int) -> "Response":
        """One image: large, with its heat maps, all probabilities and what is known of it."""
        from skinlab.web.rendering import page

        results, pictures = self._opened(asked)
        if not 0 <= row < len(results.scored.image_ids):
            raise _refusal(404, f"there is no image {row} in the subset {asked.subset}")
        called = int(_understood(lambda: decisions(results, asked.at))[row])
        facts = {column: values[row] for column, values in pictures.columns.items()}
        return page(
            request,
            "results_image.html",
            asked=asked,
            card=card(results, row, called, _understood(lambda: asked.at)),
            results=results,
            facts=facts | {"lesion or patient": results.groups[row] or "unknown"},
            missing=pictures.missing,
            review=self._review(pictures, results.scored.image_ids[row]),
        )

    def _review(self, pictures: Pictures, image_id: str) -> str | None:
        """The words that lead to the image under review; None where another data set is, or none."""
        opened = self._workplace.reviewed() if pictures.opened else None
        return query(text=image_id) if opened and opened is pictures.opened else None

    def picture(self, request: "Request", asked: Asked, row: int, kind: str, code: int) -> "Response":
        """The pixels: small, as they are, or with what the network looked at."""
        from starlette.responses import Response

        results, _ = self._opened(asked)
        try:
            if kind == "whole":
                content, media = self._seen.whole(results, row)
                return Response(content, media_type=media)
            if kind == "heat":
                headers = {"cache-control": f"private, max-age={FRESH_S}"}
                return Response(self._seen.heat(results, row, code), media_type="image/jpeg", headers=headers)
            tag, content = self._seen.thumbnail(results, row, SIDE)
        except SkinlabError as error:
            raise _refusal(422, str(error)) from error
        headers = {"etag": f'"{tag}"', "cache-control": f"private, max-age={FRESH_S}"}
        if request.headers.get("if-none-match") == headers["etag"]:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type="image/jpeg", headers=headers)

    def state(self, request: "Request", asked: Asked) -> "Response":
        """How a run stands that is not finished, for the script of its page."""
        return self._standing(request, "run_state.html", asked, self._path(asked))

    def _standing(self, request: "Request", template: str, asked: Asked, path: Path) -> "Response":
        from skinlab.web.rendering import page

        try:
            with _as_written(path):
                standing = watched.run(path)
        except OutputError as error:
            raise _refusal(409, str(error)) from error
        return page(request, template, asked=asked, **standing)

    # --- what they need --------------------------------------------------------------------------------------------

    def _path(self, asked: Asked) -> Path:
        try:
            return find_run(self._workplace, asked.run)
        except OutputError as error:
            raise _refusal(404, str(error)) from error

    def _opened(self, asked: Asked) -> tuple[Results, Pictures]:
        path = self._path(asked)
        try:
            results = self._seen.results(path, asked.subset)
        except SkinlabError as error:
            raise _refusal(409, str(error)) from error
        return results, self._seen.pictures(results)

    def _listed(self, request: "Request", asked: Asked, results: Results, pictures: Pictures) -> dict[str, Any]:
        """What the list of images shows."""
        found = _understood(lambda: sheet(results, asked.choice(pictures.columns), pictures.columns, asked.page))
        return {"asked": asked, "sheet": found, "results": results, "missing": pictures.missing}

    def _numbers_of(self, asked: Asked, results: Results, pictures: Pictures) -> tuple[Integers, dict[str, Any]]:
        """The rows of the subgroup and their numbers; of all images those of the run."""
        group = _understood(lambda: asked.subgroup(pictures.columns))
        rows = np.flatnonzero(in_subgroup(results, group, pictures.columns)).astype(np.int64)
        if group is None:
            return rows, results.summary
        return rows, self._numbers.get(
            (results.path, results.subset, group, state_of(results.path)), lambda: summary_of(results, rows)
        )


def _key(results: Results) -> tuple[Any, ...]:
    """Tells what was computed of these results from what was computed of others, and of these before they changed."""
    return results.path, results.subset, state_of(results.path)


def _refusal(status: int, reason: str) -> Exception:
    from fastapi import HTTPException

    return HTTPException(status, reason)


def _understood(find: "Callable[[], Any]") -> Any:
    """What is found; a wrong word in the address is the fault of whoever asks."""
    try:
        return find()
    except DataError as error:
        raise _refusal(422, str(error)) from error


@contextmanager
def _as_written(path: Path) -> "Iterator[None]":
    """Turns what is wrong with somebody else's files into one line."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise _refusal(409, f"{path}: its files are not as skinlab writes them ({error!r})") from error


def _status(path: Path) -> str:
    try:
        return Run.open(path).status
    except (OutputError, KeyError, TypeError, AttributeError) as error:
        said = str(error) if isinstance(error, OutputError) else f"{path}: run.json is not as skinlab writes it"
        raise _refusal(409, said) from error


# --- what the page says --------------------------------------------------------------------------------------------


def _head(results: Results) -> dict[str, Any]:
    """Name, warning and operating point."""
    return {
        "title": f"{results.record.get('experiment', 'run')} {results.path.name}",
        "warning": sentence("; ".join(filter(None, [records.RESEARCH_NOTE, str(results.result["note"])]))),
        "report": (results.path / "report.html").is_file(),
        "rule": _rule(results),
    }


def _rule(results: Results) -> str | None:
    """By which rule the threshold was chosen on validation; None where it was declared as a number."""
    point = results.result.get("operating_point")
    rule = str(point.get("rule", "")) if isinstance(point, dict) else ""
    return rule if rule and results.threshold is not None and rule != f"{results.threshold:.12g}" else None


def _decisions(
    scored: Scored, summary: dict[str, Any], curves: tuple[Html, Html], asked: Asked, base: str
) -> dict[str, Any]:
    """Numbers, curves, matrix and slider of the images: the report's own."""
    from markupsafe import Markup

    movable = threshold.movable(summary)

    def link(truth: str, called: str) -> str:
        return f"{base}/results?{asked.words(truth=truth, called=called, answers='all', text='', page=1)}#images"

    parts = {
        "numbers": sections.cards(summary),
        "heading": sentence(tables.heading(summary, asked.subset)),
        "roc": curves[0],
        "precision": curves[1],
        "matrix": threshold.matrix(summary, link) if movable else sections.confusion(summary, link),
    }
    if movable:
        parts["panel"] = threshold.panel(summary, scored)
        parts["rates"] = threshold.rates(summary)
        parts["points"] = threshold.data(scored, summary, _understood(lambda: asked.at))
    shown = {name: Markup(text(part)) for name, part in parts.items()}  # noqa: S704 - what is no markup is escaped
    return {"movable": movable, "binary": len(summary["classes"]) == BINARY, **shown}


def _too_small(results: Results, summary: dict[str, Any]) -> str | None:
    """Why a subgroup says nothing; None where it does."""
    try:
        smallest = int(results.record["config"]["evaluation"]["smallest_subgroup"])
    except (KeyError, TypeError, ValueError):
        smallest = SMALLEST
    return subgroups.too_small(summary["classes"], smallest)
