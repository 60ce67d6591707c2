"""The declaration of an experiment: found, composed, checked, turned into `skinlab.schema.Config`.

Importing this package is cheap: Hydra and OmegaConf are imported by the functions that compose.
"""

from skinlab.config.composition import Composed, compose
from skinlab.config.convert import to_dict
from skinlab.config.places import search_path_overrides
from skinlab.config.resolvers import register_resolvers
from skinlab.config.sweep import check_sweep
from skinlab.config.validate import parse, recorded
from skinlab.paths import conf_dir

__all__ = [
    "Composed",
    "check_sweep",
    "compose",
    "conf_dir",
    "parse",
    "recorded",
    "register_resolvers",
    "search_path_overrides",
    "to_dict",
]
