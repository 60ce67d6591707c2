"""Transforms that skinlab adds to albumentations, under the names that declarations use, and its pipeline to run them.

Import albumentations' pipeline from here: on its first import the library asks the package index for a newer version,
unless it is told not to.
"""

import os

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"

from albumentations import Compose

from skinlab.augmentations.hair import Hair
from skinlab.augmentations.ruler import Ruler

__all__ = ["Compose", "Hair", "Ruler"]
