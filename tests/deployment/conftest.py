"""A home for deployments, which are all gone after each module."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from skinlab import paths
from skinlab.deployment import record, targets

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def deployments_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home of its own, in force while the module's tests run; services find this skinlab."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(paths.HOME_VARIABLE, str(home))
        patch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]))
        patch.delenv("SKINLAB_KEY", raising=False)
        patch.delenv("SKINLAB_DEPLOYMENT_KEYS", raising=False)
        yield home
        for left in record.everyone():
            targets.find(left.target).delete(left, lambda _: None)
