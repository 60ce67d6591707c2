"""Dermoscopy-like phantoms whose class follows the ABCD rule: for trying the software, useless for medicine.

`spec` decides who is what, `lesion` what a lesion looks like, `scene` what surrounds it. Nothing here touches files.
"""

from skinlab.data.phantoms.scene import draw
from skinlab.data.phantoms.spec import CLASSES, DRAWING_VERSION, PhantomSpec, Plan, flipped, plan

__all__ = ["CLASSES", "DRAWING_VERSION", "PhantomSpec", "Plan", "draw", "flipped", "plan"]
