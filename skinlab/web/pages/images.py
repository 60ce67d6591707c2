"""Images of opened data sets: small ones for grids, whole ones to look into."""

from typing import TYPE_CHECKING

from skinlab.web.workplace import Workplace

if TYPE_CHECKING:
    from fastapi import APIRouter

FRESH_S = 600
"""Seconds for which a browser does not ask again; after that its tag tells whether the file is another one."""


def router(workplace: Workplace) -> "APIRouter":
    """`/images/SET/thumbnail?id=ID&side=256` and `/images/SET/whole?id=ID`."""
    from fastapi import APIRouter, HTTPException, Request
    from starlette.responses import Response

    from skinlab.data.images import ImageError
    from skinlab.web.image_sets import shown
    from skinlab.web.thumbnails import SIDES

    made = APIRouter(prefix="/images")

    def file_of(key: str, image_id: str) -> str:
        opened = workplace.sets.find(key)
        file = None if opened is None else opened.file_of(image_id)
        if file is None:
            raise HTTPException(404, "no such image")
        return file

    @made.get("/{key}/thumbnail")
    def thumbnail(request: Request, key: str, id: str, side: int = SIDES[1]) -> Response:  # noqa: A002
        opened, file = workplace.sets.find(key), file_of(key, id)
        if side not in SIDES or opened is None:
            raise HTTPException(404, f"side must be one of {SIDES}")
        try:
            tag = opened.thumbnails.tag(file, side)
            headers = {"etag": f'"{tag}"', "cache-control": f"private, max-age={FRESH_S}"}
            if request.headers.get("if-none-match") == headers["etag"]:
                return Response(status_code=304, headers=headers)
            return Response(opened.thumbnails.jpeg(file, side, tag), media_type="image/jpeg", headers=headers)
        except ImageError as error:
            raise HTTPException(422, f"{id}: {error}") from error

    @made.get("/{key}/whole")
    def whole(key: str, id: str) -> Response:  # noqa: A002
        try:
            content, kind = shown(file_of(key, id))
        except ImageError as error:
            raise HTTPException(422, f"{id}: {error}") from error
        return Response(content, media_type=kind)

    return made
