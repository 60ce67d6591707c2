"""How long lists and likely misspellings are put into one line of an error message."""

from collections.abc import Iterable, Sequence

from skinlab.spelling import closest

SHOWN = 10
LONGEST = 160
"""Characters of what a library says of a file."""


def listed(names: Sequence[str]) -> str:
    """The first ten of `names` and how many more there are.

    Example:
        >>> listed([f"image_{i}" for i in range(12)][:3])
        'image_0, image_1, image_2'
        >>> listed([str(i) for i in range(12)])
        '0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more'
    """
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def brief(error: Exception) -> str:
    r"""What a library says of a bad file, in one line that stays short.

    Example:
        >>> brief(ValueError("bad\n  magic")), brief(EOFError())
        ('bad magic', 'EOFError')
    """
    said = " ".join(str(error).split()) or type(error).__name__
    return said if len(said) <= LONGEST else said[: LONGEST - 3] + "..."


def nearest(name: str, known: Iterable[str]) -> str:
    """' (did you mean X?)' for the likeliest of `known`, or nothing.

    Example:
        >>> nearest("lable", ["image_id", "label"])
        ' (did you mean label?)'
    """
    match = closest(name, known)
    return f" (did you mean {match}?)" if match else ""
