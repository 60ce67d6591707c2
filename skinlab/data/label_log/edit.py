"""Changing labels: set, undo and revert are new entries of the log. What commands and pages call."""

import getpass
from bisect import bisect_left
from collections.abc import Iterable, Sequence

from skinlab.data.hashes import sha256_of_files
from skinlab.data.label_log.apply import is_outdated
from skinlab.data.label_log.entries import NONE, Change, Entry, find, last_by_image, until
from skinlab.data.label_log.store import LabelLog
from skinlab.data.manifest import Manifest
from skinlab.data.wording import listed, nearest
from skinlab.errors import DataError


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
    row = _row(manifest, image_id)
    source, sha256 = manifest.labels[row], _sha256(manifest, row)
    signed = {"who": _said(who if who is not None else _user(), "who"), "why": _said(why, "why")}

    def change(entries: Sequence[Entry]) -> list[Change]:
        _check_label(label, {*manifest.labels, *further, *(entry.new_label for entry in entries)})
        last = last_by_image(entries).get(image_id)
        holds = last if last and last.corrects and last.new_label != source else None
        old = holds.new_label if holds else source
        if label == old and not (holds and is_outdated(holds, source, sha256)):
            raise DataError(f"{image_id} is {label} already: nothing to change")
        return [Change(image_id=image_id, old_label=old, new_label=label, source_label=source, sha256=sha256, **signed)]

    return log.append(change)[0]


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
    signed = {"who": _said(who if who is not None else _user(), "who"), "why": _said(why, "why")}

    def change(entries: Sequence[Entry]) -> list[Change]:
        entry = find(entries, wanted, log.path)
        last = last_by_image(entries)[entry.image_id]
        if last is not entry:
            raise DataError(f"{entry.image_id} was changed again by entry {last.number}: undo that one first")
        before = last_by_image(entries[: entry.number - 1]).get(entry.image_id)
        held = entry if before is None or entry.old_label == entry.source_label else before
        return [_back(entry, entry.old_label, held, signed)]

    return log.append(change)[0]


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
    by = _said(who if who is not None else _user(), "who")

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


def _sha256(manifest: Manifest, row: int) -> str:
    (sha256,), problems = sha256_of_files([manifest.paths[row]])
    if sha256 is None:
        raise DataError(f"{manifest.image_ids[row]} {problems[0][1]}: what cannot be looked at has no label to correct")
    return sha256


def _check_label(label: str, known: set[str]) -> None:
    if not label or label not in known:
        names = sorted(known - {""})
        raise DataError(
            f"no label {label or '(empty)'}{nearest(label, names)}: the labels are {listed(names)}; "
            "a new one is declared in dataset.classes"
        )


def _said(text: str, what: str) -> str:
    """Text of a user that can be kept."""
    if not text.strip() or any("\ud800" <= character <= "\udfff" for character in text):
        raise DataError(f"--{what} needs text: it is kept in the label log")
    return text.strip()


def _user() -> str:
    """Who runs this process."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError) as error:  # no such user on this machine, as in some containers
        raise DataError("it is not known who you are: say it with --who NAME") from error
