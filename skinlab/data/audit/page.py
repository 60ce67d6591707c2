"""The page of an audit: findings with the images side by side, in one HTML file that asks nothing of any server.

Bounded: of each finding the first hundred are shown, and how many there are is said. Finds nothing itself.
"""

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image

from skinlab.data.audit.findings import Findings

SHOWN = 100
"""Entries of each finding on the page."""

_MOST_IMAGES = 4
_THUMBNAIL = 144
_QUALITY = 80

_STYLE = """
:root { color-scheme: light dark; --line: #d0d0d4; --soft: #f4f4f6; --bad: #b3261e; --dim: #5c5c66; }
@media (prefers-color-scheme: dark) { :root { --line: #44444c; --soft: #232328; --bad: #ff8a80; --dim: #a6a6b0; } }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 70rem; padding: 1rem; }
h1 { font-size: 1.5rem; overflow-wrap: anywhere; } h2 { font-size: 1.15rem; margin-top: 2.5rem; }
p { color: var(--dim); margin: .25rem 0 .75rem; } .bad { color: var(--bad); }
table { border-collapse: collapse; width: 100%; } td, th { padding: .3rem .5rem; text-align: left; }
tr { border-bottom: 1px solid var(--line); } td:last-child, th:last-child { text-align: right; }
.entries { display: grid; gap: .75rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); }
.entry { background: var(--soft); border: 1px solid var(--line); border-radius: .5rem; padding: .6rem; }
.images { display: flex; flex-wrap: wrap; gap: .5rem; } figure { margin: 0; flex: 1 1 7rem; max-width: 9rem; }
img { border-radius: .25rem; display: block; height: auto; width: 100%; }
figcaption { font-size: .8rem; overflow-wrap: anywhere; } .why { font-size: .85rem; margin-top: .4rem; }
"""


@dataclass(frozen=True)
class Entry:
    """One thing to look at.

    Attributes:
        images: ids of the images side by side, each with what is said below it.
        why: one line below them.
    """

    images: Sequence[tuple[str, str]]
    why: str


@dataclass(frozen=True)
class Section:
    """All findings of one kind."""

    title: str
    meaning: str
    entries: Sequence[Entry]
    bad: bool = False


def sections(found: Findings) -> list[Section]:
    """The findings in the order of their weight, empty ones too."""
    near = found.near_duplicates or []
    return [
        Section(
            "Leaks",
            "images in two subsets that must be in one: a score on the second rewards memory of the first",
            [
                Entry(list(zip(leak.images, leak.subsets, strict=True)), _reason(leak.reason, leak.similarity))
                for leak in found.leaks
            ],
            bad=True,
        ),
        Section(
            "Corrupt files", "cannot be read", [Entry([], f"{one.image_id}: {one.reason}") for one in found.corrupt]
        ),
        *_left_out(found),
        Section(
            "Corrected labels",
            "not as the source says, by the label log",
            [Entry([(one.image_id, "")], f"{one.source_label} -> {one.label}") for one in found.label_log.applied],
        ),
        Section(
            "Same content, different labels",
            "at most one of the labels is right",
            [_same(ids) for ids in found.duplicates_with_conflicting_labels],
        ),
        Section(
            "Near-duplicates with different labels",
            "two images of one photograph; at most one of the labels is right",
            [
                _near(pair.images, pair.labels, pair.similarity)
                for pair in found.near_duplicates_with_conflicting_labels
            ],
        ),
        *_by_lists(found),
        Section("Same content", "byte for byte the same file", [_same(ids) for ids in found.duplicates]),
        Section(
            "Near-duplicates",
            "resized, recompressed, flipped or cropped copies" + _unless_searched(found),
            [_near(pair.images, pair.labels, pair.similarity) for pair in near],
        ),
        Section(
            "Outliers",
            "far from the other images in brightness, contrast (grey levels) or file size (bytes)",
            [
                Entry([(one.image_id, "")], f"{one.measure.replace('_', ' ')} {one.value:g}, robust z {one.z:+.1f}")
                for one in found.outliers
            ],
        ),
        Section(
            "Small classes",
            "so few images that their numbers say little",
            [
                Entry(
                    [],
                    f"{one.label}: {one.images} images in {one.subset}, a proportion is known to ±{one.half_width:.0%}",
                )
                for one in found.small_classes
            ],
        ),
    ]


def _left_out(found: Findings) -> list[Section]:
    """What the source gives and is not used, and groups that may be none."""
    return [
        Section(
            "Rows without an image",
            "the table names them, and there is no such file; they are left out",
            [Entry([], name) for name in found.without_image],
        ),
        Section(
            "Files that are not read",
            "beside the images, by kind",
            [Entry([], f"{count} {kind}") for kind, count in found.ignored_files.items()]
            + [Entry([], f"looks like a picture: {path}") for path in found.unread_pictures],
        ),
        Section(
            "Images without a label, or of no class",
            "left out, by label",
            [Entry([], f"{count} {label or '(no label)'}") for label, count in found.left_out_labels.items()],
        ),
        Section(
            "Groups that hold very many images",
            "perhaps a code that stands for an unknown lesion or patient",
            [Entry([], f"{one.group}: {one.images} images, {one.share:.0%}") for one in found.large_groups],
        ),
    ]


def _by_lists(found: Findings) -> list[Section]:
    """What published lists say."""
    return [
        Section(
            "Left out by a published list",
            "called wrong there (audit.known_errors)",
            [Entry([], name) for name in found.known_errors],
        ),
        Section(
            "Copies by a published list",
            "one photograph, as it says there (audit.known_duplicates)",
            [_same(ids) for ids in found.known_duplicates],
        ),
        Section(
            "Rows of published lists without an image",
            "they name none of these images, or only one of two",
            [Entry([], f"{path}: {count} rows") for path, count in found.absent_in_lists.items()],
        ),
    ]


def _unless_searched(found: Findings) -> str:
    return " (not searched: audit.near_duplicates=false)" if found.near_duplicates is None else ""


def _reason(reason: str, similarity: float | None) -> str:
    return f"near-duplicates, similarity {similarity:.3f}" if reason == "near_duplicate" else _REASONS[reason]


_REASONS = {
    "duplicate": "the same content",
    "group": "the same group (lesion or patient)",
    "known_duplicate": "copies by a published list",
}


def _same(ids: Sequence[str]) -> Entry:
    more = len(ids) - _MOST_IMAGES
    return Entry([(name, "") for name in ids], f"{len(ids)} files" + (f", {more} not shown" if more > 0 else ""))


def _near(ids: Sequence[str], labels: Sequence[str], similarity: float) -> Entry:
    return Entry(list(zip(ids, labels, strict=True)), f"similarity {similarity:.3f}")


def audit_page(name: str, found: Findings, images: Mapping[str, npt.NDArray[np.uint8]]) -> str:
    """The page.

    Args:
        name: of the data set.
        found: what the audit found.
        images: uint8 [S, S, 3], RGB, by image id; may be lazy.

    Returns:
        HTML, with everything in it.
    """
    thumbnail = _thumbnails(images)
    parts = sections(found)
    body = [
        f"<h1>Audit of {escape(name)}</h1>",
        f"<p>{found.images} images, {found.images_without_group} without a known group (lesion or patient).</p>",
        _overview(parts),
        *(_section(part, thumbnail) for part in parts if part.entries),
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">\n"
        f"<title>Audit of {escape(name)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def _overview(parts: Iterable[Section]) -> str:
    rows = "".join(
        f"<tr{' class=bad' if part.bad and part.entries else ''}><td>{escape(part.title)}</td>"
        f"<td>{len(part.entries)}</td></tr>"
        for part in parts
    )
    return f"<table><thead><tr><th>Finding</th><th>Count</th></tr></thead><tbody>{rows}</tbody></table>"


def _section(part: Section, thumbnail: Callable[[str], str]) -> str:
    hidden = f" The first {SHOWN} of {len(part.entries)} are shown." if len(part.entries) > SHOWN else ""
    entries = "\n".join(_entry(entry, thumbnail) for entry in part.entries[:SHOWN])
    title = f"<h2{' class=bad' if part.bad else ''}>{escape(part.title)}: {len(part.entries)}</h2>"
    meaning = f"<p>{escape(part.meaning)}.{hidden}</p>"
    return f'<section>\n{title}\n{meaning}\n<div class="entries">\n{entries}\n</div>\n</section>'


def _entry(entry: Entry, thumbnail: Callable[[str], str]) -> str:
    figures = "".join(
        f'<figure><img src="{thumbnail(image_id)}" alt="{escape(image_id)}" loading="lazy">'
        f"<figcaption>{escape(image_id)}{f'<br><b>{escape(said)}</b>' if said else ''}</figcaption></figure>"
        for image_id, said in entry.images[:_MOST_IMAGES]
    )
    images = f'<div class="images">{figures}</div>' if figures else ""
    return f'<div class="entry">{images}<div class="why">{escape(entry.why)}</div></div>'


def _thumbnails(images: Mapping[str, npt.NDArray[np.uint8]]) -> Callable[[str], str]:
    """Small JPEG images as data addresses, each made once."""
    made: dict[str, str] = {}

    def thumbnail(image_id: str) -> str:
        if image_id not in made:
            image = Image.fromarray(np.asarray(images[image_id]))
            stream = BytesIO()
            image.resize((_THUMBNAIL, _THUMBNAIL), Image.Resampling.BILINEAR).save(stream, "JPEG", quality=_QUALITY)
            made[image_id] = "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()
        return made[image_id]

    return thumbnail
