"""The paths of a service and what they answer. Limits, keys and the log are the guard's."""

import json
from importlib import resources
from typing import TYPE_CHECKING, Any

from skinlab import __version__
from skinlab.look import colours
from skinlab.serving.http import bodies, manual
from skinlab.serving.http.answering import Answerer
from skinlab.serving.http.asgi import SAME_ORIGIN, Application
from skinlab.serving.http.guard import Guard, Service
from skinlab.serving.portable.answering import RequestError, reply

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.exceptions import HTTPException
    from starlette.requests import Request
    from starlette.responses import Response

PAGES = {
    "/": ("drop.html", "text/html"),
    "/page.css": ("drop.css", "text/css"),
    "/page.js": ("drop.js", "text/javascript"),
}
TRUTHS = {"": False, "false": False, "0": False, "true": True, "1": True}
FRAMED = {"content-security-policy": f"{SAME_ORIGIN}; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"}


def create(service: Service, answerer: Answerer) -> Application:
    """The application of one worker, behind its guard.

    Args:
        service: limits, keys and counts.
        answerer: the model.
    """
    from fastapi import FastAPI
    from starlette.exceptions import HTTPException

    app = FastAPI(
        title=f"skinlab: {service.settings.name}",
        version=__version__,
        description=manual.description(answerer.bundle.note),
        docs_url=None,
        redoc_url=None,
    )
    _scoring(app, service, answerer)
    _state(app, service)
    _pages(app)
    if service.keys is not None:
        app.openapi = lambda: manual.with_keys(FastAPI.openapi(app))  # type: ignore[method-assign]
    app.add_exception_handler(HTTPException, _as_json)  # type: ignore[arg-type]
    app.add_exception_handler(RequestError, _refused)  # type: ignore[arg-type]
    return Guard(app, service)


def _scoring(app: "FastAPI", service: Service, answerer: Answerer) -> None:
    from starlette.requests import Request
    from starlette.responses import Response

    model, note = answerer.bundle.sha256[:12], answerer.bundle.note

    async def score(request: Request) -> Response:
        settings = service.settings
        explain = _truth(request.query_params.get("explain", ""))
        found = await bodies.read(request.headers.get("content-type", ""), await request.body(), settings.images)
        results = await (answerer.explained(found) if explain else answerer.results(found))
        said = reply(results, found, model, request.scope["request_id"], note)
        return Response(json.dumps(said), media_type=bodies.JSON)

    extra = manual.score(service.settings, secured=service.keys is not None)
    app.add_api_route("/score", score, methods=["POST"], openapi_extra=extra, responses=manual.answers())


def _state(app: "FastAPI", service: Service) -> None:
    from starlette.responses import Response

    async def health() -> Response:
        """Whether the process answers."""
        return _said({"status": "ok"})

    async def ready() -> Response:
        """Whether it takes requests: the model is loaded, and the service is not about to end."""
        return _said({"status": "draining"}, 503) if service.draining else _said({"status": "ready"})

    async def metrics() -> Response:
        """Counts in the form of Prometheus."""
        return Response(service.monitor.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    secured = manual.security(secured=service.keys is not None)
    app.add_api_route("/health", health, methods=["GET"], responses=manual.state())
    app.add_api_route("/ready", ready, methods=["GET"], responses=manual.state(503))
    app.add_api_route("/metrics", metrics, methods=["GET"], openapi_extra=secured, responses=manual.metrics())


def _pages(app: "FastAPI") -> None:
    """The page to drop an image on, its parts, and the manual; they load nothing from elsewhere."""
    from starlette.requests import Request
    from starlette.responses import Response

    folder = resources.files("skinlab.serving.http").joinpath("pages")
    contents = {path: (folder.joinpath(name).read_bytes(), kind) for path, (name, kind) in PAGES.items()}
    own, kind = contents["/page.css"]
    contents["/page.css"] = (colours().encode() + own, kind)

    async def page(request: Request) -> Response:
        content, kind = contents[request.url.path]
        return Response(content, media_type=kind, headers=FRAMED)

    async def docs() -> Response:
        return Response(manual.page(app.openapi()), media_type="text/html", headers=FRAMED)

    async def icon() -> Response:
        return Response(status_code=204)

    for path in PAGES:
        app.add_api_route(path, page, methods=["GET"], include_in_schema=False)
    app.add_api_route("/docs", docs, methods=["GET"], include_in_schema=False)
    app.add_api_route("/favicon.ico", icon, methods=["GET"], include_in_schema=False)


def _truth(text: str) -> bool:
    if text not in TRUTHS:
        raise RequestError(422, "explain must be true or false")
    return TRUTHS[text]


def _said(value: Any, status: int = 200) -> "Response":
    from starlette.responses import Response

    return Response(json.dumps(value), status, media_type=bodies.JSON)


async def _refused(request: "Request", error: RequestError) -> "Response":
    return _said({"error": str(error), "request_id": request.scope["request_id"]}, error.status)


async def _as_json(request: "Request", error: "HTTPException") -> "Response":
    """No such path, no such method: as every other refusal."""
    answer = _said({"error": str(error.detail), "request_id": request.scope["request_id"]}, error.status_code)
    answer.headers.update(error.headers or {})
    return answer
