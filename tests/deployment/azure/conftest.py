"""A certificate that only the tests trust, and bundles to deploy."""

from pathlib import Path

import numpy as np
import pytest

from tests.deployment.azure import tls
from tests.deployment.conftest import deployments_home  # noqa: F401 - a fixture
from tests.serving.bundles import RED_IS_MALIGNANT, write_replayed


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tls.written(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Red is malignant."""
    return write_replayed(tmp_path_factory.mktemp("bundle") / "lesions")


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another model: blue is malignant."""
    swapped = np.ascontiguousarray(RED_IS_MALIGNANT[:, ::-1])
    return write_replayed(tmp_path_factory.mktemp("other") / "lesions", fc_weight=swapped)


@pytest.fixture(scope="session")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle whose stored probabilities are not those of its model."""
    return write_replayed(tmp_path_factory.mktemp("wrong") / "lesions", off=0.01)
