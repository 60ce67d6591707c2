"""The texts of metadata.csv and ATTRIBUTION.md. The same images give the same bytes."""

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

FIRST_COLUMNS = (
    "isic_id",
    "file",
    "fetch",
    "copyright_license",
    "attribution",
    "lesion_id",
    "patient_id",
    "diagnosis_1",
    "diagnosis_2",
    "diagnosis_3",
    "diagnosis_4",
    "diagnosis_5",
    "age_approx",
    "sex",
    "anatom_site_general",
)
"""These stand in every table of the archive, in this order; what else the archive says follows by name."""

_LICENSE_PAGES = {
    "CC-0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "CC-BY": "https://creativecommons.org/licenses/by/4.0/",
    "CC-BY-NC": "https://creativecommons.org/licenses/by-nc/4.0/",
}


def metadata_csv(rows: Callable[[], Iterable[Mapping[str, str]]], first: Sequence[str]) -> str:
    """A table with the columns `first` and then all others, sorted; empty where a row says nothing.

    Args:
        rows: gives the rows; called twice, so that they need not all be held.
        first: the columns that come first and are there in any case.

    Example:
        >>> print(metadata_csv(lambda: [{"b": "1"}, {"c": "2", "b": "3"}], ["a"]), end="")
        a,b,c
        ,1,
        ,3,2
    """
    further = sorted({name for row in rows() for name in row} - set(first))
    stream = io.StringIO()
    writer = csv.DictWriter(stream, [*first, *further], restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows())
    return stream.getvalue()


def attribution_md(rows: Iterable[Mapping[str, str]]) -> str:
    """Licence and attribution of every image, grouped, to be kept beside the images wherever they go."""
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        groups[_one_line(row["copyright_license"]), _one_line(row["attribution"])].append(row["isic_id"])
    total = sum(map(len, groups.values()))
    head = f"{total} images of the ISIC Archive (https://www.isic-archive.com), by licence and owner."
    blocks = [f"# Licences and attribution\n\n{head}\n"]
    license_name = None
    for (licensed, owner), names in sorted(groups.items()):
        if licensed != license_name:
            blocks.append(f"\n## {licensed}\n\n{_LICENSE_PAGES.get(licensed, 'See the ISIC Archive for its terms.')}\n")
            license_name = licensed
        images = "1 image" if len(names) == 1 else f"{len(names)} images"
        blocks.append(f"\n### {owner or 'no attribution given'} ({images})\n\n{', '.join(sorted(names))}\n")
    return "".join(blocks)


def _one_line(text: str) -> str:
    return " ".join(text.split())
