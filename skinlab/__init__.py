"""skinlab: declarative experiments for skin-lesion image classification.

Research software: nothing it prints is a diagnosis.
"""

__version__ = "0.1.0"
