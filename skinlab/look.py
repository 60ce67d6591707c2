"""The colours that everything with a page shares, light and dark: reports, local pages, the page of a service.

Contrasts were chosen to be at least 4.5 : 1 for text on `--ground` and `--soft`; the class colours `--c0` to `--c5` are
told apart with any colour vision.
"""

from functools import cache
from pathlib import Path


@cache
def colours() -> str:
    """Custom properties of CSS, to be put before a page's own style."""
    return Path(__file__).with_name("colours.css").read_text(encoding="utf-8")
