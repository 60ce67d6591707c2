"""A worker that several tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from skinlab import paths
from skinlab.engines.cntk.client import CntkEngine
from tests.engines.cntk.small import ENGINE


@pytest.fixture(scope="module")
def engine(cntk_home: Path) -> Iterator[CntkEngine]:
    """One for a module; each test builds anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(paths.HOME_VARIABLE, str(cntk_home))
        with CntkEngine(ENGINE, seed=1) as started:
            yield started
