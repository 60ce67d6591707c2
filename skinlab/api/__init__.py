"""The Python interface, for notebooks and scripts: what the command line does, with objects that can be looked into.

The names here are also those of `skinlab` itself: `skinlab.compose`, `skinlab.train`, `skinlab.open_run`.
"""

from skinlab.api.comparing import ComparisonView, compare
from skinlab.api.declaring import Experiment, compose
from skinlab.api.deploying import DeploymentView, deploy, deployments
from skinlab.api.fetching import FetchView, fetch
from skinlab.api.inspecting import DataView, Sheet, open_data
from skinlab.api.rescored import EvaluationView, evaluate
from skinlab.api.reviewing import ReviewView, review
from skinlab.api.running import resume, train
from skinlab.api.scoring import Explanation
from skinlab.api.sweeping import SweepView, open_sweep, sweep
from skinlab.api.view import RunView, open_run

__all__ = [
    "ComparisonView",
    "DataView",
    "DeploymentView",
    "EvaluationView",
    "Experiment",
    "Explanation",
    "FetchView",
    "ReviewView",
    "RunView",
    "Sheet",
    "SweepView",
    "compare",
    "compose",
    "deploy",
    "deployments",
    "evaluate",
    "fetch",
    "open_data",
    "open_run",
    "open_sweep",
    "resume",
    "review",
    "sweep",
    "train",
]
