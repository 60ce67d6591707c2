"""The nearest valid spelling of a word, for error messages of every room. Imports the standard library only."""

from collections.abc import Iterable
from difflib import get_close_matches


def closest(word: str, valid: Iterable[str]) -> str | None:
    """The valid spelling closest to `word`, whatever its case, or None where nothing is close.

    >>> closest("momentum_sdg", ["momentum_sgd", "adam"]), closest("MALIGNENT", ["Benign", "Malignant"])
    ('momentum_sgd', 'Malignant')
    """
    by_folded = {candidate.casefold(): candidate for candidate in valid}
    matches = get_close_matches(word.casefold(), by_folded, n=1)
    return by_folded[matches[0]] if matches else None
