"""The pages of one server, joined. Who may see them, the door decides."""

from functools import cache
from http import HTTPStatus
from importlib import resources
from typing import TYPE_CHECKING

from skinlab.errors import DataError, SkinlabError
from skinlab.look import colours
from skinlab.web.workplace import Workplace

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import APIRouter, FastAPI
    from starlette.exceptions import HTTPException
    from starlette.requests import Request
    from starlette.responses import Response

KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
OF_REPORTS = ("page.css", "page.js")
"""The pages look as reports do, and their thresholds move as there."""
WRONG, FAILED = 422, 500
"""What is asked for or what is there is wrong, so that asking again does not help; or it could not be done now."""


def create(workplace: Workplace) -> "FastAPI":
    """The application.

    Args:
        workplace: what the pages show.
    """
    from fastapi import FastAPI
    from fastapi.exceptions import RequestValidationError
    from starlette.exceptions import HTTPException

    from skinlab.web.pages import ENTRIES, RUNS

    app = FastAPI(title="skinlab", docs_url=None, redoc_url=None, openapi_url=None)
    for router in _routers():
        app.include_router(router(workplace))
    _common(app, ENTRIES[0].path if workplace.dataset else RUNS)
    app.add_exception_handler(HTTPException, _refused)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _misunderstood)
    app.add_exception_handler(SkinlabError, _cannot)  # type: ignore[arg-type]
    return app


def _routers() -> "tuple[Callable[[Workplace], APIRouter], ...]":
    from skinlab.web.pages import images, results, review, runs

    return images.router, review.router, results.router, runs.router


def _common(app: "FastAPI", first: str) -> None:
    """The front page, which is that of a path, styles and scripts."""
    from fastapi import HTTPException, Request
    from starlette.responses import RedirectResponse, Response

    @app.get("/")
    def front(request: Request) -> Response:
        return RedirectResponse(request.scope.get("root_path", "") + first, 303)

    @app.get("/favicon.ico")
    def icon() -> Response:
        return Response(status_code=204)

    @app.get("/static/{name}")
    def static(request: Request, name: str) -> Response:
        content = _statics().get(name)
        if content is None:
            raise HTTPException(404, "no such file")
        body, kind, tag = content
        headers = {"etag": tag, "cache-control": "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(body, media_type=kind, headers=headers)


@cache
def _statics() -> dict[str, tuple[bytes, str, str]]:
    """Content, media type and tag of every style and script, by name."""
    import hashlib

    own = resources.files("skinlab.web").joinpath("static")
    found = {file.name: file.read_bytes() for file in own.iterdir()}
    found |= {name: resources.files("skinlab.report").joinpath(name).read_bytes() for name in OF_REPORTS}
    found["colours.css"] = colours().encode()
    return {
        name: (body, KINDS[name[name.rindex(".") :]], f'"{hashlib.sha256(body).hexdigest()[:16]}"')
        for name, body in found.items()
    }


def _said(request: "Request", status: int, reason: str) -> "Response":
    """A refusal: a page for people, JSON for scripts."""
    from starlette.responses import JSONResponse

    from skinlab.web.rendering import page

    if "text/html" in request.headers.get("accept", ""):
        return page(request, "refused.html", status, reason=reason)
    return JSONResponse({"error": reason}, status)


async def _refused(request: "Request", error: "HTTPException") -> "Response":
    is_unknown = error.detail == HTTPStatus.NOT_FOUND.phrase  # starlette's own word, of an address that there is not
    said = f"there is no page {request.url.path}" if is_unknown else str(error.detail)
    return _said(request, error.status_code, said)


async def _misunderstood(request: "Request", _error: Exception) -> "Response":
    return _said(request, 422, "the request is not what this address takes")


async def _cannot(request: "Request", error: SkinlabError) -> "Response":
    return _said(request, WRONG if isinstance(error, DataError) else FAILED, str(error))
