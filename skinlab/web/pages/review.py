"""Review: look at a data set's images and correct their labels."""

from typing import TYPE_CHECKING

from skinlab.web.workplace import Workplace

if TYPE_CHECKING:
    from fastapi import APIRouter


def router(workplace: Workplace) -> "APIRouter":
    """`/review`."""
    from fastapi import APIRouter, Request
    from starlette.responses import Response

    from skinlab.web.rendering import page

    made = APIRouter(prefix="/review")

    @made.get("")
    def review(request: Request) -> Response:
        return page(request, "review.html", opened=workplace.reviewed())

    return made
