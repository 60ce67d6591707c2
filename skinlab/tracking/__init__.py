"""Who else is told about a run: TensorBoard, MLflow, Azure ML. A sink that fails never fails the run."""

from skinlab.tracking.tracker import Tracker, follow

__all__ = ["Tracker", "follow"]
