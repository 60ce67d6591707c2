import json
from pathlib import Path

import pytest

from skinlab.data.images import decode_settings
from skinlab.errors import BundleError
from skinlab.serving import loading
from tests.serving.bundles import CLASSES, write_bundle


def test_a_bundle_tells_what_scoring_needs(tmp_path: Path) -> None:
    bundle = loading.load(write_bundle(tmp_path / "b", threshold=0.25))
    assert (bundle.classes, bundle.positive, bundle.threshold) == (CLASSES, 1, 0.25)
    assert (bundle.image_size, bundle.note) == (8, "trained on nothing")
    assert bundle.model == (tmp_path / "b" / "model.onnx").read_bytes()


def test_a_bundle_of_more_than_two_classes_may_have_no_positive_one(tmp_path: Path) -> None:
    bundle = loading.load(write_bundle(tmp_path, ["a", "b", "c"], positive_class=None))
    assert (bundle.classes, bundle.positive) == (["a", "b", "c"], None)


def test_a_run_stands_for_its_bundle(tmp_path: Path) -> None:
    write_bundle(tmp_path / "bundle")
    (tmp_path / "run.json").write_text(json.dumps({"schema_version": 1, "status": "finished"}))
    assert loading.load(tmp_path).path == tmp_path / "bundle"


@pytest.mark.parametrize("name", ["model.onnx", "signature.json", "labels.txt", "MODEL_CARD.md"])
def test_a_changed_file_is_named_and_refused(tmp_path: Path, name: str) -> None:
    folder = write_bundle(tmp_path)
    with (folder / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(BundleError, match=rf"{name} is not the file whose checksum is in SHA256SUMS"):
        loading.load(folder)


@pytest.mark.parametrize("name", ["model.onnx", "SHA256SUMS"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    (write_bundle(tmp_path) / name).unlink()
    with pytest.raises(BundleError, match=rf"{name} cannot be read \(No such file or directory\)"):
        loading.load(tmp_path)


def test_a_model_without_a_checksum_is_refused(tmp_path: Path) -> None:
    sums = write_bundle(tmp_path) / "SHA256SUMS"
    sums.write_text("".join(line for line in sums.read_text().splitlines(keepends=True) if "model" not in line))
    with pytest.raises(BundleError, match=r"does not name model\.onnx"):
        loading.load(tmp_path)


@pytest.mark.parametrize("line", ["nonsense", "00  ../../etc/passwd"])
def test_checksums_that_are_none_are_refused(tmp_path: Path, line: str) -> None:
    with (write_bundle(tmp_path) / "SHA256SUMS").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(BundleError, match="is not a list of checksums and file names"):
        loading.load(tmp_path)


def test_a_newer_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"newer skinlab \(signature version 99\)"):
        loading.load(write_bundle(tmp_path, version=99))


def test_other_decoding_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="decoded in another way"):
        loading.load(write_bundle(tmp_path, decode=decode_settings() | {"version": 0}))


def test_a_signature_that_lacks_something_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="not one that skinlab writes"):
        loading.load(write_bundle(tmp_path, positive_class="unheard of"))


def test_what_is_neither_is_told(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"neither a run directory .* nor a bundle"):
        loading.load(tmp_path)


def test_a_run_that_did_not_finish_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(
        json.dumps({"schema_version": 1, "status": "failed", "error": None, "started": "2026-11-29T12:00:00+00:00"})
    )
    with pytest.raises(BundleError, match=r"has no bundle: the run is failed; go on with `skinlab resume"):
        loading.load(tmp_path)
