"""What Hydra needs before it composes: values for `${name:}`, the source of files. Imports no Hydra at the top."""

import secrets
from datetime import datetime


def run_id() -> str:
    """A name for a run that sorts by time and that no other run has: `<YYYYmmdd-HHMMSS>-<6 random hex>`.

    The random part comes from the operating system, never from the experiment's seed.
    """
    return f"{datetime.now().astimezone():%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def register_resolvers() -> None:
    """Make `${skinlab_run_id:}` known to OmegaConf, `outside://` to Hydra; repeating it changes nothing.

    Cached: one composition has one id, however often it is read. Hydra hands the cache of a sweep on to its trials,
    so that they share the folder of their sweep.
    """
    from omegaconf import OmegaConf

    if not OmegaConf.has_resolver("skinlab_run_id"):
        OmegaConf.register_new_resolver("skinlab_run_id", run_id, use_cache=True)
    from skinlab.config.outside import register_source

    register_source()
