"""One thing, one spelling: what a table calls unknown, and which texts are two spellings of the same.

The only definition of both, for labels, groups and ids of every source. Reads no file.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal
from typing import Literal

from skinlab.data.wording import listed
from skinlab.errors import DataError

MISSING = frozenset({"", "na", "n/a", "nan", "-nan", "none", "null", "<na>", "#n/a"})
"""Texts that say that nothing is known, in any case; those in brackets and with # are pandas' and Excel's."""

UNKNOWN_GROUP = frozenset({"unknown"})
"""Further ones where a patient or lesion is named: taken for an id, they would make one group of strangers."""

OnSpelling = Literal["fail", "merge", "keep"]

_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d*)?(?:e[+-]?\d{1,3})?")
_LONGEST_NUMBER = 40
_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212\ufe58\ufe63\uff0d"), "-")


class Missing:
    """The texts that mean that nothing is known.

    Args:
        further: as declared by `dataset.missing_values`, in any case.

    Example:
        >>> Missing(["-9"])(" N/A "), Missing(["-9"])("-9"), Missing()("unknown")
        (True, True, False)
    """

    def __init__(self, further: Iterable[str] = ()) -> None:
        self._texts = MISSING | {text.strip().casefold() for text in further}
        self._longest = max(map(len, self._texts))

    def __call__(self, text: str) -> bool:
        """Whether this text says nothing."""
        if not text.isascii():
            text = _visible(text)
        text = text.strip()
        return len(text) <= self._longest and text.casefold() in self._texts

    def blanked(self, values: Iterable[str]) -> list[str]:
        """The values without blanks around them, and empty where they say nothing."""
        longest, texts = self._longest, self._texts
        cleaned = (value.strip() if value.isascii() else _visible(value).strip() for value in values)
        return ["" if len(value) <= longest and value.casefold() in texts else value for value in cleaned]

    def group(self, text: str) -> bool:
        """Whether this text names no patient or lesion."""
        return self(text) or text.strip().casefold() in UNKNOWN_GROUP


def spelling_key(text: str) -> str:
    """Equal for texts that are two spellings of one thing.

    Case, blanks, invisible characters, the Unicode form of letters and digits, kinds of dashes, and how a number is
    written make no difference.

    Example:
        >>> spelling_key("Basal  Cell Carcinoma") == spelling_key("basal cell carcinoma")
        True
        >>> [spelling_key(text) for text in ("12", "12.0", "0012", "1.2e1", "P 12", "p12")]
        ['12', '12', '12', '12', 'p12', 'p12']
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _visible(text)).translate(_DASHES)
        text = "".join(str(unicodedata.decimal(one)) if one.isdecimal() else one for one in text)
    key = "".join(text.casefold().split())
    if key[:1] in "+-0123456789" and len(key) <= _LONGEST_NUMBER and _NUMBER.fullmatch(key):
        number = Decimal(key.replace(",", "."))
        return str(int(number)) if number == number.to_integral_value() else str(number.normalize())
    return key


def unified(
    values: Sequence[str], on_spelling: OnSpelling, where: str, settled: Collection[frozenset[str]] = ()
) -> Sequence[str]:
    """The values with one spelling for each thing.

    Args:
        values: of each row; empty where nothing is known.
        on_spelling: two spellings stop the run; become the more frequent one (of equally frequent ones the first in
            order); or stay two things.
        where: what the values are, for messages.
        settled: sets of spellings that somebody has decided about.

    Raises:
        DataError: there are two spellings of one thing, and that is refused.

    Example:
        >>> unified(["12", "12.0", "P1", "12"], "merge", "t.csv: column patient_id")
        ['12', '12', 'P1', '12']
    """
    if on_spelling == "keep":
        return values
    doubtful = [same for same in variants(set(values)) if frozenset(same) not in settled]
    if not doubtful:
        return values
    named = {text for same in doubtful for text in same}
    count = Counter(value for value in values if value in named)
    if on_spelling == "fail":
        shown = listed([" and ".join(f"{text!r} ({count[text]})" for text in same) for same in doubtful])
        raise DataError(
            f"{where}: {len(doubtful)} {'things are' if len(doubtful) > 1 else 'thing is'} spelled in more than one "
            f"way: {shown}; correct them, or set dataset.on_spelling=merge where they are the same, keep where they "
            "are not"
        )
    chosen = {text: min(same, key=lambda one: (-count[one], one)) for same in doubtful for text in same}
    return [chosen.get(value, value) for value in values]


def variants(texts: Iterable[str]) -> list[list[str]]:
    """The sets of texts that are spellings of one thing, each sorted, in order.

    Example:
        >>> variants(["a", "A", "b"])
        [['A', 'a']]
    """
    first: dict[str, str] = {}
    several: dict[str, set[str]] = {}
    for text in texts:
        if text:
            key = spelling_key(text)
            known = first.setdefault(key, text)
            if known != text:
                several.setdefault(key, {known}).add(text)
    return sorted(sorted(same) for same in several.values())


def composed(text: str) -> str:
    r"""The text in Unicode's composed form, in which names of files and labels are compared.

    Example:
        >>> len("a\u0308"), len(composed("a\u0308"))
        (2, 1)
    """
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _visible(text: str) -> str:
    """Without characters that nobody sees: zero-width ones, byte-order marks, soft hyphens, controls."""
    return "".join(" " if one.isspace() else one for one in text if unicodedata.category(one) not in ("Cf", "Cc"))
