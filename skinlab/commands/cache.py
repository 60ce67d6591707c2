"""`skinlab cache`: lists what skinlab keeps to be faster, deletes it, and checks it."""

import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from skinlab.commands.arguments import Parser, seconds
from skinlab.commands.table import CACHE_VERBS
from skinlab.config.suggest import did_you_mean, then_list
from skinlab.errors import ConfigError

if TYPE_CHECKING:
    from skinlab.data.cache_entries import Entry

HELP = """usage: skinlab cache [VERB] [options]

List what skinlab keeps to be faster: decoded images, drawn phantoms, results of the audit, thumbnails, hashes of
files. All of it can be deleted at any time; it is made again when it is needed. What a running process uses is never
deleted.

verbs:
  clear --older-than 30d   delete what was not used for 30 days; also 12h, 2w
  clear --all              delete everything
  verify                   read everything again, and delete what is damaged; exit status 1 if something was

Beyond the size that cache_gb in settings.toml (or SKINLAB_CACHE_GB) allows, 50 GB by default, what was not used for
longest is deleted to make room.
"""
NAMES = {
    "images": "decoded",
    "synthetic": "phantoms",
    "audit": "audit",
    "thumbnails": "thumbnails",
    "hashes.sqlite": "hashes",
}
_NAME = 20


def main(argv: list[str]) -> int:
    """Run `skinlab cache ARGV`.

    Returns:
        1 if `verify` found damage, else 0.

    Raises:
        SkinlabError: the arguments or the settings are wrong, or the cache folder cannot be used.
    """
    verbs = {"clear": _clear, "verify": _verify}
    if argv and not argv[0].startswith("-"):
        if argv[0] not in verbs:
            names = [verb.name for verb in CACHE_VERBS]
            raise ConfigError(
                f"no command 'cache {argv[0]}'{then_list(did_you_mean(argv[0], names), 'Commands', names)}"
            )
        return verbs[argv[0]](argv[1:])
    options = Parser("cache").parse_args(argv)
    if options.help:
        sys.stdout.write(HELP)
        return 0
    return _list()


def _list() -> int:
    from skinlab import paths, settings
    from skinlab.data.cache_entries import entries, used_bytes
    from skinlab.data.cache_room import gigabytes
    from skinlab.data.storage import cache_access

    cap = settings.cache_bytes()
    with cache_access(paths.cache()):
        found = entries()
        if found:
            _print(found)
        used = used_bytes()
    sys.stdout.write(f"{gigabytes(used)} of at most {gigabytes(cap)} in {paths.cache()}\n")
    return 0


def _print(found: "list[Entry]") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from skinlab.data.cache_contents import content
    from skinlab.data.cache_room import gigabytes

    table = Table(box=None, pad_edge=False)
    for name in ("kind", "images", "px", "size", "last use (UTC)", "in use", "name"):
        table.add_column(name, no_wrap=True, overflow="ellipsis", max_width=_NAME if name == "name" else None)
    for entry in found:
        inside = content(entry)
        table.add_row(
            NAMES.get(entry.kind, entry.kind),
            "" if inside.images is None else str(inside.images),
            "" if inside.pixels is None else str(inside.pixels),
            gigabytes(entry.size),
            datetime.fromtimestamp(entry.last_use, UTC).strftime("%Y-%m-%d %H:%M"),
            "yes" if entry.in_use else "",
            Text(entry.path.name),
        )
    Console().print(table)


def _clear(argv: list[str]) -> int:
    parser = Parser("cache clear")
    parser.add_argument("--older-than", metavar="AGE")
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args(argv)
    if options.help:
        sys.stdout.write(HELP)
        return 0
    if options.all == (options.older_than is not None):
        raise ConfigError("say what to delete: --older-than 30d for what was not used for 30 days, or --all")
    newest = time.time() if options.all else time.time() - seconds(options.older_than, "--older-than")
    from skinlab import paths
    from skinlab.data.cache_contents import clear
    from skinlab.data.cache_entries import entries
    from skinlab.data.cache_room import gigabytes
    from skinlab.data.storage import cache_access

    with cache_access(paths.cache()):
        chosen = [entry for entry in entries() if options.all or entry.last_use < newest]
        gone = [entry for entry in chosen if clear(entry)]
    sys.stdout.write(f"deleted: {len(gone)} of {len(chosen)}, {gigabytes(sum(entry.size for entry in gone))}\n")
    for entry in chosen:
        if entry not in gone:
            sys.stdout.write(f"kept, a running process uses it: {entry.path}\n")
    return 0


def _verify(argv: list[str]) -> int:
    options = Parser("cache verify").parse_args(argv)
    if options.help:
        sys.stdout.write(HELP)
        return 0
    from skinlab import paths
    from skinlab.data.cache_contents import damage
    from skinlab.data.cache_entries import entries, remove
    from skinlab.data.storage import cache_access

    with cache_access(paths.cache()):
        found = entries()
        bad = [(entry, reason) for entry in found if (reason := damage(entry)) is not None]
        for entry, reason in bad:
            done = "deleted" if remove(entry) else "kept, a running process uses it"
            sys.stdout.write(f"damaged: {entry.path}: {reason}; {done}\n")
    sys.stdout.write(f"{len(found) - len(bad)} of {len(found)} whole\n")
    return 1 if bad else 0
