"""The ISIC Archive's API v2 as a source: which addresses are asked, and what their answers must look like.

The requests and replies were read from the published client isic-cli 12.4.0 (isic_cli/io/http.py, cli/utils.py and
cli/types.py; https://pypi.org/project/isic-cli/): `GET images/search/?query=&collections=&limit=` answers {count, next,
results}, where `next` is the address of the next page and each result has isic_id, copyright_license, attribution,
files.full.{url, size} and metadata.{acquisition, clinical}; the addresses of files are signed and expire, they are
asked without credentials; `GET collections/ID/` answers 404 for a collection that is not there or not public.
Thumbnails (files.thumbnail_256) and `GET images/ISIC_ID/`, which answers one such result, are of the API itself.

Nothing is believed: ids, addresses and types are checked, and a reply of another shape is named by its field.
"""

import json
import os
import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from skinlab.data.archive.declaration import ArchiveQuery
from skinlab.data.archive.entries import Entry, Page
from skinlab.data.sources.files import is_image
from skinlab.errors import ConfigError, DataError
from skinlab.transfer import addresses
from skinlab.transfer.web import FetchError, RefusedError, Web

PUBLIC_API = "https://api.isic-archive.com/api/v2/"
API_VARIABLE = "SKINLAB_ISIC_API"
_PAGE_LENGTH = 100
_FILES = {"full": "full", "thumbnail": "thumbnail_256"}
_ISIC_ID = re.compile(r"ISIC_\d{7}", re.ASCII)
_BAD_REQUEST = 400
_HIDDEN = frozenset({401, 403, 404})


class ShapeError(DataError):
    """The archive's reply does not look as it must."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(
            f"the archive's reply is not as expected: {where} {what}; "
            "check --api, or its API has changed and skinlab must follow"
        )


def api_address(chosen: str | None) -> str:
    """The base address of the API: as chosen, else `$SKINLAB_ISIC_API`, else the public archive. It ends in a slash.

    Raises:
        ConfigError: neither https nor on this machine.
    """
    address = chosen or os.environ.get(API_VARIABLE) or PUBLIC_API
    if reason := addresses.problem(address, "loopback"):
        raise ConfigError(f"the archive's API must be an https address (http on this machine only): {reason}")
    return address.rstrip("/") + "/"


def plain_http(api: str) -> addresses.PlainHttp:
    """A public archive is never left for plain http; a server on this machine may point to files beside it."""
    return "loopback" if addresses.is_loopback(urlsplit(api).hostname or "") else "never"


class ArchiveSource:
    """The images of a query."""

    def __init__(self, web: Web, api: str, query: ArchiveQuery) -> None:
        self._web = web
        self._api = api
        self._query = query

    def check_collections(self) -> None:
        """Refuses collections that cannot be listed: the search itself answers them with no images.

        Raises:
            DataError: a collection is not there or not public, or what `Web.json` raises.
        """
        for collection in self._query.collections:
            try:
                self._ask(f"collections/{collection}/")
            except DataError as error:
                refusal = error.__cause__
                if not isinstance(refusal, RefusedError) or refusal.status not in _HIDDEN:
                    raise
                raise DataError(
                    f"collection {collection} is not there or not public ({refusal}): leave it out of --collections"
                ) from refusal

    def page(self, cursor: str | None) -> Page:
        """One page of the search.

        Raises:
            DataError: the archive refuses the query, answers in another shape, or cannot be reached.
        """
        parameters = {
            "query": self._query.query,
            "collections": ",".join(map(str, self._query.collections)),
            "limit": str(_PAGE_LENGTH),
            "cursor": cursor or "",
        }
        asked = urlencode({name: value for name, value in parameters.items() if value}, quote_via=quote)
        return read_page(self._ask(f"images/search/?{asked}"), self._query.size)

    def _ask(self, path: str) -> Any:
        try:
            return self._web.json(f"{self._api}{path}")
        except RefusedError as error:
            raise self._refused(error) from error
        except FetchError as error:
            raise DataError(
                f"the archive at {self._api} cannot be read: {error}; the same command goes on where this one was"
            ) from error

    def _refused(self, error: RefusedError) -> DataError:
        if error.status == _BAD_REQUEST:
            return DataError(f"the archive does not understand --query '{self._query.query}': {error}")
        if error.status in _HIDDEN:
            return DataError(f"the archive does not let this query be searched: {error}; check --api")
        return error

    def fresh(self, entry: Entry) -> str:
        """A new address of an image: those of a listing expire."""
        return read_entry(self._web.json(f"{self._api}images/{entry.name}/"), self._query.size, entry.name).address


def read_page(reply: Any, size: str) -> Page:
    """A reply of the search.

    Args:
        reply: the JSON value.
        size: full or thumbnail.

    Raises:
        ShapeError: it is not as expected.
    """
    results = _member(reply, "results", list, "")
    following = _member(reply, "next", (str, type(None)), "")
    count = _member(reply, "count", (int, type(None)), "")
    entries = [read_entry(result, size, f"results[{i}]") for i, result in enumerate(results)]
    return Page(entries, _cursor(following), count)


def _cursor(following: str | None) -> str | None:
    """The cursor alone: the address itself is ours to make, so that no reply can send us elsewhere."""
    if following is None:
        return None
    cursors = parse_qs(urlsplit(following).query).get("cursor", [])
    if len(cursors) != 1:
        raise ShapeError("next", "holds no cursor")
    return cursors[0]


def read_entry(value: Any, size: str, where: str) -> Entry:
    """One image of a reply.

    Raises:
        ShapeError: it is not as expected.
    """
    isic_id = _member(value, "isic_id", str, where)
    if not _ISIC_ID.fullmatch(isic_id):
        raise ShapeError(f"{where}.isic_id", f"is {isic_id[:40]!r}, not ISIC_ and seven digits")
    kind = _FILES[size]
    file = _member(_member(value, "files", dict, where), kind, dict, f"{where}.files")
    address = _member(file, "url", str, f"{where}.files.{kind}")
    length = _member(file, "size", int, f"{where}.files.{kind}")
    if length <= 0:
        raise ShapeError(f"{where}.files.{kind}.size", f"is {length}")
    row = {
        "isic_id": isic_id,
        "copyright_license": _member(value, "copyright_license", str, where),
        "attribution": _member(value, "attribution", str, where),
    }
    name = f"images/{isic_id}{_extension(address)}"
    return Entry(isic_id, name, address, length, {**_metadata(value, where), **row})


def _metadata(value: Any, where: str) -> dict[str, str]:
    metadata = _member(value, "metadata", dict, where)
    merged: dict[str, str] = {}
    for part in ("acquisition", "clinical"):
        fields = _member(metadata, part, dict, f"{where}.metadata")
        merged.update({str(name): _text(content) for name, content in fields.items()})
    return merged


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _extension(address: str) -> str:
    """The file's extension where it is an image's; the archive's addresses of other shapes lead to JPEGs."""
    name = PurePosixPath(unquote(urlsplit(address).path)).name
    return PurePosixPath(name).suffix.lower() if is_image(name) else ".jpg"


def _member(value: Any, name: str, kinds: type | Sequence[type], where: str) -> Any:
    """A field of a reply, of one of the types it may have."""
    field = f"{where}.{name}".lstrip(".")
    if not isinstance(value, dict):
        raise ShapeError(where or "the reply", f"is not an object but {type(value).__name__}")
    if name not in value:
        raise ShapeError(field, "is missing")
    found = value[name]
    allowed = tuple(kinds) if isinstance(kinds, Sequence) else (kinds,)
    if not isinstance(found, allowed) or isinstance(found, bool):
        raise ShapeError(field, f"is {type(found).__name__}, not {allowed[0].__name__}")
    return found
