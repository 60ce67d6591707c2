"""`skinlab data fetch`: options to a query, the fetch under a progress display, and how it ended in a few lines."""

import re
import shlex
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from skinlab.commands.arguments import Parser
from skinlab.errors import ConfigError

if TYPE_CHECKING:
    from skinlab.commands.fetch_progress import Progress
    from skinlab.data.archive.declaration import ArchiveQuery
    from skinlab.data.archive.fetch import Manners, Summary

HELP = """usage: skinlab data fetch [--query TEXT] [--collections IDS] ... --out DIR
       skinlab data fetch --urls FILE.csv --out DIR

Fetch images of the ISIC Archive with their metadata, licences and attribution, or the images that a table of
addresses names. Safe to interrupt at any moment: the same command goes on, complete files are not fetched twice.

what (isic_archive):
  --query TEXT         in the archive's search language, e.g. 'diagnosis_3:"Melanoma Invasive" AND sex:female'
  --collections IDS    ids of collections, e.g. 249,251; without: all
  --limit N            at most N images, the first in the archive's order
  --size SIZE          full (default) or thumbnail, which is 256 px
  --resize PX          bring the shorter side down to PX on arrival
  --licenses LIST      only images under these: CC-0,CC-BY,CC-BY-NC
  --api ADDRESS        another server of the same API; else SKINLAB_ISIC_API, else the public archive
what (urls):
  --urls FILE.csv      a table with the columns url, label and maybe group and name (of the file)
where:
  --out DIR            the local copy
  --extend             add to a folder that holds another query
how:
  --jobs N             files at a time (default {jobs})
  --rate N             at most N requests a second in all (default {rate:g})
  --tries N            requests for one file before it counts as failed (default {tries})
  --timeout S          seconds without a byte before a request counts as failed (default {timeout:g})
  --backoff S          longest wait before the second try; doubles with each further one (default {backoff:g})
  -h, --help           this text

Exit status: 0 all there, 1 some files failed and are listed in failures.json: the same command tries them again.
"""
_ARCHIVE_ONLY = ("query", "collections", "limit", "size", "licenses", "api")


def main(argv: list[str]) -> int:
    """Run `skinlab data fetch ARGV`.

    Returns:
        0: every file is there. 1: some failed.

    Raises:
        ConfigError: the options are wrong.
        DataError: the archive cannot be listed, or the folder holds another fetch.
        OutputError: the folder cannot be written, or the disk is full.
    """
    options = _parser().parse_args(argv)
    if options.help:
        sys.stdout.write(_help())
        return 0
    return _report(_fetch(options, argv), options.out)


def fetch(argv: list[str]) -> "Summary":
    """Fetch what the options after `skinlab data fetch` say; how it ended.

    Raises:
        SkinlabError: as `main`.
    """
    return _fetch(_parser().parse_args(argv), argv)


def _parser() -> Parser:
    parser = Parser("data fetch")
    for name in ("query", "collections", "licenses", "api"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--size", choices=["full", "thumbnail"])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--urls", type=Path)
    parser.add_argument("--extend", action="store_true")
    for name in ("limit", "resize", "jobs", "tries"):
        parser.add_argument(f"--{name}", type=int)
    for name in ("rate", "timeout", "backoff"):
        parser.add_argument(f"--{name}", type=float)
    return parser


def _help() -> str:
    from skinlab.data.archive.fetch import Manners

    manners = Manners()
    patience = manners.patience
    return HELP.format(
        jobs=manners.jobs, rate=manners.rate, tries=patience.tries, timeout=patience.read, backoff=patience.backoff
    )


def _fetch(options: Namespace, argv: list[str]) -> "Summary":
    if not options.out:
        raise ConfigError("--out is required: the folder that images go into; see skinlab data fetch --help")
    from skinlab.commands.fetch_progress import progress
    from skinlab.data.archive.api import api_address
    from skinlab.data.archive.fetch import fetch_archive, fetch_urls

    manners = manners_of(options)
    _check_range("--resize", options.resize, 32, 4096)
    with progress() as shown:
        try:
            if options.urls is not None:
                _refuse_archive_options(options)
                return fetch_urls(options.urls, options.resize, options.out, manners, shown, extend=options.extend)
            query, api = query_of(options), api_address(options.api)
            return fetch_archive(query, api, options.out, manners, shown, extend=options.extend)
        except KeyboardInterrupt:
            _say_how_to_go_on(shown, ["skinlab", "data", "fetch", *argv])
            raise


def _say_how_to_go_on(shown: "Progress", command: list[str]) -> None:
    shown.say(f"stopped: {shown.complete} images are complete and stay; to go on: {shlex.join(command)}")


def query_of(options: Namespace) -> "ArchiveQuery":
    """The query that options declare.

    Raises:
        ConfigError: an option is out of range.
    """
    from skinlab.data.archive.declaration import LICENSES, ArchiveQuery

    _check_range("--limit", options.limit, 1, None)
    collections = _listed(options.collections)
    if bad := [word for word in collections if not re.fullmatch(r"\d{1,9}", word, re.ASCII)]:
        raise ConfigError(f"--collections {bad[0]}: must be numbers, e.g. --collections 249,251")
    licenses = _listed(options.licenses)
    if unknown := [word for word in licenses if word not in LICENSES]:
        raise ConfigError(f"--licenses {unknown[0]}: must be of {', '.join(LICENSES)}")
    return ArchiveQuery(
        query=options.query or "",
        collections=tuple(sorted({int(word) for word in collections})),
        limit=options.limit,
        size=options.size or "full",
        resize=options.resize,
        licenses=tuple(sorted(set(licenses))) or None,
    )


def manners_of(options: Namespace) -> "Manners":
    """Speed and patience that options declare.

    Raises:
        ConfigError: an option is out of range.
    """
    from skinlab.data.archive.fetch import Manners
    from skinlab.transfer.pace import Patience

    for name, least, most in (("jobs", 1, 32), ("rate", 0.01, 1000), ("tries", 1, 100), ("timeout", 0.01, 3600)):
        _check_range(f"--{name}", getattr(options, name), least, most)
    _check_range("--backoff", options.backoff, 0, 60)
    manners = {name: value for name in ("jobs", "rate") if (value := getattr(options, name)) is not None}
    named = {"tries": options.tries, "read": options.timeout, "backoff": options.backoff}
    return Manners(patience=Patience(**{name: value for name, value in named.items() if value is not None}), **manners)


def _check_range(option: str, value: float | None, least: float, most: float | None) -> None:
    if value is not None and not (least <= value and (most is None or value <= most)):
        upper = f" and at most {most}" if most is not None else ""
        raise ConfigError(f"{option} {value}: must be at least {least}{upper}")


def _listed(text: str | None) -> list[str]:
    return [word for part in (text or "").split(",") if (word := part.strip())]


def _refuse_archive_options(options: Namespace) -> None:
    if given := [f"--{name}" for name in _ARCHIVE_ONLY if getattr(options, name) is not None]:
        raise ConfigError(f"{', '.join(given)} and --urls: a table of addresses is fetched as it is")


def _report(summary: "Summary", out: Path) -> int:
    from skinlab.data.archive.folder import FAILURES

    now = f"{summary.fetched} fetched now, {summary.size / 1e6:.1f} MB" if summary.fetched else "nothing was missing"
    passed = f"; {summary.passed_over} under other licences passed over" if summary.passed_over else ""
    sys.stdout.write(f"{summary.complete} images in {out} ({now}){passed}\n")
    for failure in summary.failures[:10]:
        sys.stdout.write(f"  failed: {failure.name}: {failure.reason}\n")
    if summary.failures:
        sys.stdout.write(f"{len(summary.failures)} failed, see {out / FAILURES}; the same command tries them again\n")
    return 1 if summary.failures else 0
