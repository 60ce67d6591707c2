"""Templates to pages. Everything in a page is escaped unless a template says otherwise."""

from functools import cache
from typing import TYPE_CHECKING, Any

from skinlab import __version__
from skinlab.web.pages import ENTRIES

if TYPE_CHECKING:
    from jinja2 import Environment
    from starlette.requests import Request
    from starlette.responses import HTMLResponse


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("skinlab.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page(request: "Request", template: str, status: int = 200, **values: Any) -> "HTMLResponse":
    """A page.

    Args:
        request: what was asked for.
        template: a file of `templates/`, which extends layout.html.
        status: of the answer.
        values: for the template. It has `base` (put before every address of ours), `path` and `entries` beside.
    """
    from starlette.responses import HTMLResponse

    base: str = request.scope.get("root_path", "")
    path = request.url.path.removeprefix(base)
    common = {"base": base, "path": path, "entries": ENTRIES, "version": __version__}
    return HTMLResponse(_environment().get_template(template).render(**common, **values), status)
