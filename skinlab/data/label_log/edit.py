"""Changing labels: set, undo and revert are new entries of the log. What commands and pages call."""

import getpass
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from skinlab.data.hashes import sha256_of_files
from skinlab.data.label_log.apply import is_outdated
from skinlab.data.label_log.entries import NONE, Change, Entry, find, last_by_image, until
from skinlab.data.label_log.store import LabelLog
from skinlab.data.manifest import Manifest
from skinlab.data.wording import listed, nearest
from skinlab.errors import DataError


class LabelConflict(DataError):  # noqa: N818 - a conflict, as people call it
    """Labels that somebody else has changed meanwhile.

    Attributes:
        entries: the last entries of these images.
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        said = [
            f"{entry.image_id} is {entry.new_label} by now (entry {entry.number} by {entry.who})" for entry in entries
        ]
        super().__init__(f"changed meanwhile: {listed(said)}")
        self.entries = list(entries)


@dataclass(frozen=True)
class Wanted:
    """A label that an image is to have.

    Attributes:
        image_id: the image.
        label: the label.
        seen: the number of the last entry of this image that its author knew of, 0: of none; None: whatever there is.
    """

    image_id: str
    label: str
    seen: int | None = None


def set_label(
    log: LabelLog,
    manifest: Manifest,
    image_id: str,
    label: str,
    *,
    why: str,
    who: str | None = None,
    further: Iterable[str] = (),
) -> Entry:
    """Give an image another label.

    Args:
        log: of the data set.
        manifest: the images with the labels of the source, as `skinlab.data.sources.load` gives them.
        image_id: which image.
        label: one that an image of the source or an entry of the log has, or one of `further`.
        why: the reason.
        who: by whom; None: the user of this process.
        further: labels that no image has yet, e.g. those that `dataset.classes` names.

    Raises:
        DataError: no such image or label, no change, no reason, a file that cannot be read, or a damaged log.
        OutputError: the log cannot be written.
    """
    added, _ = _entered(log, manifest, [Wanted(image_id, label)], _signed(who, why), further)
    if not added:
        raise DataError(f"{image_id} is {label} already: nothing to change")
    return added[0]


def set_labels(
    log: LabelLog,
    manifest: Manifest,
    wanted: Sequence[Wanted],
    *,
    why: str,
    who: str | None = None,
    further: Iterable[str] = (),
) -> list[Entry]:
    """Give several images other labels: all of them, or none. It may be said twice, to the same effect.

    Args:
        log: as for `set_label`, like the other arguments.
        manifest: the images.
        wanted: each image once.
        why: the reason.
        who: by whom.
        further: labels that no image has yet.

    Returns:
        For each image its last entry, new or not; none for one that the source gave the label and nobody changed.

    Raises:
        LabelConflict: an image was changed to something else after what `seen` says.
        DataError: as for `set_label`, but for no change.
        OutputError: the log cannot be written.
    """
    _, last = _entered(log, manifest, wanted, _signed(who, why), further)
    return [last[one.image_id] for one in wanted if one.image_id in last]


def _entered(
    log: LabelLog, manifest: Manifest, wanted: Sequence[Wanted], signed: dict[str, str], further: Iterable[str]
) -> tuple[list[Entry], dict[str, Entry]]:
    """The new entries, and the last one of each image."""
    rows = [_row(manifest, one.image_id) for one in wanted]
    hashes = _sha256(manifest, rows)
    named = {*manifest.labels, *further}
    last: dict[str, Entry] = {}

    def changes(entries: Sequence[Entry]) -> list[Change]:
        known = named | {entry.new_label for entry in entries}
        last.update(last_by_image(entries))
        _check_unchanged(wanted, last)
        found = []
        for one, row, sha256 in zip(wanted, rows, hashes, strict=True):
            _check_label(one.label, known)
            found.append(_change(one, manifest.labels[row], sha256, last.get(one.image_id), signed))
        return [change for change in found if change is not None]

    added = log.append(changes)
    return added, last | last_by_image(added)


def _check_unchanged(wanted: Sequence[Wanted], last: Mapping[str, Entry]) -> None:
    conflicts = [
        entry
        for one in wanted
        if one.seen is not None and (entry := last.get(one.image_id)) is not None
        if entry.number > one.seen and entry.new_label != one.label
    ]
    if conflicts:
        raise LabelConflict(conflicts)


def _change(one: Wanted, source: str, sha256: str, last: Entry | None, signed: Mapping[str, str]) -> Change | None:
    """What is entered for an image; None where it has the label, for this very file, already."""
    holds = last if last and last.corrects and last.new_label != source else None
    old = holds.new_label if holds else source
    if one.label == old and not (holds and is_outdated(holds, source, sha256)):
        return None
    return Change(
        image_id=one.image_id, old_label=old, new_label=one.label, source_label=source, sha256=sha256, **signed
    )


def undo(log: LabelLog, wanted: str, *, why: str, who: str | None = None) -> Entry:
    """Give an image the label back that it had before an entry.

    Args:
        log: of the data set.
        wanted: the entry, by number or by the beginning of its hash. It must be the last one of its image.
        why: the reason.
        who: by whom; None: the user of this process.

    Raises:
        DataError: no such entry, a later one of the same image, no reason, or a damaged log.
        OutputError: the log cannot be written.
    """
    signed = _signed(who, why)

    def change(entries: Sequence[Entry]) -> list[Change]:
        entry = find(entries, wanted, log.path)
        last = last_by_image(entries)[entry.image_id]
        if last is not entry:
            raise DataError(f"{entry.image_id} was changed again by entry {last.number}: undo that one first")
        return [_undone(entry, entries, signed)]

    return log.append(change)[0]


def undo_all(log: LabelLog, numbers: Sequence[int], *, why: str, who: str | None = None) -> list[Entry]:
    """Undo several entries of different images: all of them, or none. It may be said twice, to the same effect.

    Args:
        log: of the data set.
        numbers: of the entries.
        why: the reason.
        who: by whom; None: the user of this process.

    Returns:
        The entries that undo them, new or not; undoing these does what was undone again.

    Raises:
        LabelConflict: an image was changed again by something else.
        DataError: no such entry, no reason, or a damaged log.
        OutputError: the log cannot be written.
    """
    signed = _signed(who, why)
    images: list[str] = []
    last: dict[str, Entry] = {}

    def changes(entries: Sequence[Entry]) -> list[Change]:
        last.update(last_by_image(entries))
        wanted = [find(entries, str(number), log.path) for number in numbers]
        images[:] = [entry.image_id for entry in wanted]
        open_ = [entry for entry in wanted if not _undoes(last[entry.image_id], entry)]
        if conflicts := [last[entry.image_id] for entry in open_ if last[entry.image_id] is not entry]:
            raise LabelConflict(conflicts)
        return [_undone(entry, entries, signed) for entry in open_]

    last |= last_by_image(log.append(changes))
    return [last[image_id] for image_id in images]


def _undoes(later: Entry, entry: Entry) -> bool:
    """Whether an entry of the same image took another one back already."""
    return later.number > entry.number and (later.old_label, later.new_label) == (entry.new_label, entry.old_label)


def _undone(entry: Entry, entries: Sequence[Entry], signed: dict[str, str]) -> Change:
    before = last_by_image(entries[: entry.number - 1]).get(entry.image_id)
    held = entry if before is None or entry.old_label == entry.source_label else before
    return _back(entry, entry.old_label, held, signed)


def revert(log: LabelLog, revision: str, *, why: str = "", who: str | None = None) -> list[Entry]:
    """Set all labels back to what they were at a revision.

    Args:
        log: of the data set.
        revision: its hash or the beginning of it, or `none`: the labels of the source.
        why: the reason; empty: only that it was reverted.
        who: by whom; None: the user of this process.

    Returns:
        One entry for each image whose label differs, by id.

    Raises:
        DataError: no such revision, nothing differs, or a damaged log.
        OutputError: the log cannot be written.
    """
    by = _said(who if who is not None else current_user(), "who")

    def changes(entries: Sequence[Entry]) -> list[Change]:
        kept = until(entries, revision, log.path)
        name = kept[-1].revision if kept else NONE
        signed = {"who": by, "why": _said(why or f"reverted to {name}", "why")}
        then = last_by_image(kept)
        now = sorted(last_by_image(entries[len(kept) :]).items())
        found = [change for image_id, entry in now if (change := _reverted(entry, then.get(image_id), signed))]
        if not found:
            raise DataError(f"the labels are as at revision {name} already: nothing to revert")
        return found

    return log.append(changes)


def _reverted(now: Entry, then: Entry | None, signed: dict[str, str]) -> Change | None:
    """The change that leads from one entry of an image back to another; None where both say the same."""
    if then is None or not then.corrects:
        return _back(now, now.source_label, now, signed) if now.corrects else None
    same = (now.new_label, now.source_label, now.sha256) == (then.new_label, then.source_label, then.sha256)
    return None if same else _back(now, then.new_label, then, signed)


def _back(now: Entry, label: str, held: Entry, signed: dict[str, str]) -> Change:
    """Back to a label, for the file and the source's label that it was given for: it is not looked at again."""
    return Change(
        image_id=now.image_id,
        old_label=now.new_label,
        new_label=label,
        source_label=held.source_label,
        sha256=held.sha256,
        **signed,
    )


def _row(manifest: Manifest, image_id: str) -> int:
    row = bisect_left(manifest.image_ids, image_id)
    if row == len(manifest) or manifest.image_ids[row] != image_id:
        alike = [name for name in manifest.image_ids if image_id in name]  # e.g. typed without its folder
        hint = f"did you mean {listed(alike)}?" if alike else f"ids are such as {listed(manifest.image_ids[:2])}"
        raise DataError(f"no image {image_id or '(empty)'} in the data set; {hint}")
    return row


def _sha256(manifest: Manifest, rows: Sequence[int]) -> list[str]:
    hashes, problems = sha256_of_files([manifest.paths[row] for row in rows])
    if problems:
        place, reason = problems[0]
        name = manifest.image_ids[rows[place]]
        raise DataError(f"{name} {reason}: what cannot be looked at has no label to correct")
    return [sha256 for sha256 in hashes if sha256 is not None]


def _check_label(label: str, known: set[str]) -> None:
    if not label or label not in known:
        names = sorted(known - {""})
        raise DataError(
            f"no label {label or '(empty)'}{nearest(label, names)}: the labels are {listed(names)}; "
            "a new one is declared in dataset.classes"
        )


def _signed(who: str | None, why: str) -> dict[str, str]:
    return {"who": _said(who if who is not None else current_user(), "who"), "why": _said(why, "why")}


def _said(text: str, what: str) -> str:
    """Text of a user that can be kept."""
    if not text.strip() or any("\ud800" <= character <= "\udfff" for character in text):
        raise DataError(f"--{what} needs text: it is kept in the label log")
    return text.strip()


def current_user() -> str:
    """Who runs this process."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError) as error:  # no such user on this machine, as in some containers
        raise DataError("it is not known who you are: say it with --who NAME") from error
