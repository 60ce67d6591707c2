"""Numbers as words: with their interval, or with the reason why there is none."""

from typing import Any


def number(value: float | None) -> str:
    """Three digits.

    >>> number(0.94567), number(None)
    ('0.946', 'undefined')
    """
    return "undefined" if value is None else f"{value:.3f}"


def with_interval(entry: dict[str, Any]) -> str:
    """A number of summary.json in one line.

    >>> with_interval({"value": None, "low": None, "high": None, "interval": None, "why": "no image is malignant"})
    'undefined: no image is malignant'
    """
    if entry["value"] is None:
        return f"undefined: {entry['why']}"
    return f"{entry['value']:.3f}" + (f" {bounds(entry)}" if entry["interval"] else "")


def bounds(entry: dict[str, Any]) -> str:
    """The interval of a number that has one."""
    return f"[{entry['low']:.3f}, {entry['high']:.3f}]"


def sentence(text: str) -> str:
    """Text with a capital and a full stop.

    >>> sentence("research software")
    'Research software.'
    """
    return f"{text[0].upper()}{text[1:]}."


def counted(count: int, noun: str) -> str:
    """A number of things.

    >>> counted(1, "image"), counted(2, "image")
    ('1 image', '2 images')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
