"""What Azure is told to install."""

import re
from pathlib import Path

import pytest

from skinlab.config import compose
from skinlab.deployment.azure import environment
from skinlab.errors import BundleError
from skinlab.serving import loading, portable
from tests.deployment.azure.service import PLACE


def test_every_package_has_one_exact_version_and_hashes(bundle: Path) -> None:
    lines = environment.requirements(loading.load(bundle))
    assert all(re.fullmatch(r"[\w.-]+==\S+( ; [^-]+)?( --hash=sha256:[0-9a-f]{64})+", line) for line in lines)
    names = [line.partition("==")[0] for line in lines if ";" not in line]
    assert len(names) == len(set(names))
    assert {"onnxruntime", "pillow", "azureml-inference-server-http"} <= set(names)


def test_the_packages_of_the_bundle_are_those_that_it_carries(bundle: Path) -> None:
    carried = portable.contents()["requirements.txt"].decode()
    pinned = {line.removesuffix(" \\") for line in carried.splitlines() if "==" in line}
    lines = {line.partition(" --hash")[0] for line in environment.requirements(loading.load(bundle))}
    assert pinned <= lines


def test_another_image_is_another_environment(bundle: Path) -> None:
    def version(*words: str) -> str:
        declared = compose(["deployment=azureml_online", *PLACE, *words]).config.deployment
        return environment.version(loading.load(bundle), declared)

    assert version() == version("deployment.instance_count=3")
    assert version() != version("deployment.image=other:1")


def test_a_bundle_of_an_older_skinlab_is_refused(bundle: Path) -> None:
    older = loading.load(bundle)
    del older.files["requirements.txt"]
    with pytest.raises(BundleError, match="has no requirements.txt: an older skinlab wrote it"):
        environment.conda(older)
