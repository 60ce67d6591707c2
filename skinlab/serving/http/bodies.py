"""The images in the body of a request, by its content type: JSON, multipart, or one image as it is."""

from collections.abc import AsyncGenerator
from typing import Any

from skinlab.serving.portable.answering import Asked, RequestError, asked, require_count

JSON, FORM, BINARY = "application/json", "multipart/form-data", "application/octet-stream"
DICOM = "application/dicom"
TYPES = f"send {JSON}, {FORM}, {BINARY}, {DICOM} or image/..."


async def read(content_type: str, body: bytes, most: int) -> Asked:
    """What is asked.

    Args:
        content_type: the header.
        body: all of it.
        most: images that a request may have.

    Raises:
        RequestError: 415 another type; 400, 413 and 422 as the form demands.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == JSON:
        return asked(body, most)
    if kind == FORM:
        return Asked(await _files(content_type, body, most))
    if kind in (BINARY, DICOM) or kind.startswith("image/"):
        if not body:
            raise RequestError(422, "the body is empty: an image was expected")
        return Asked([body])
    raise RequestError(415, f"{kind[:60] or 'no content type'} is not read; {TYPES}")


async def _files(content_type: str, body: bytes, most: int) -> list[bytes]:
    """The files of a form, whatever its fields are called; nothing is written to the disk."""
    from starlette.datastructures import Headers, UploadFile
    from starlette.formparsers import MultiPartException, MultiPartParser

    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(Headers({"content-type": content_type}), stream(), max_files=most + 1, max_fields=most)
    parser.spool_max_size = len(body) + 1
    try:
        form = await parser.parse()
    except MultiPartException as error:
        status = 413 if "Too many" in error.message else 400
        raise RequestError(status, f"the form cannot be read: {error.message}") from error
    files: list[Any] = [part for _, part in form.multi_items() if isinstance(part, UploadFile)]
    require_count(len(files), most)
    return [await file.read() for file in files]
