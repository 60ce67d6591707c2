"""Suggestions of the nearest valid spelling, and lists of valid ones, as parts of an error message."""

from collections.abc import Iterable

from skinlab.spelling import closest


def did_you_mean(word: str, valid: Iterable[str]) -> str:
    """The part of a sentence that suggests the nearest spelling; empty where nothing is close.

    >>> did_you_mean("cosin", ["phases", "cosine"])
    "; did you mean 'cosine'?"
    """
    match = closest(word, valid)
    return f"; did you mean '{match}'?" if match else ""


def then_list(suggestion: str, title: str, names: Iterable[str]) -> str:
    """A list of names after a suggestion, as a sentence of its own where the suggestion ended one.

    >>> then_list("; did you mean 'a'?", "Keys", ["a", "b"])
    "; did you mean 'a'? Keys: a, b"
    >>> then_list("", "Keys", ["a", "b"])
    '; keys: a, b'
    """
    listed = ", ".join(names) or "none"
    return f"{suggestion} {title}: {listed}" if suggestion else f"; {title[0].lower()}{title[1:]}: {listed}"
