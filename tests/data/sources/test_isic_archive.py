import csv
import json
import shutil

import pytest

from skinlab.config import compose
from skinlab.data.prepare import prepare
from skinlab.data.sources import load
from skinlab.errors import DataError
from skinlab.schema import IsicArchiveDataset
from tests.data.archive.archive_server import Archive, isic_id, serving
from tests.data.archive.conftest import fetch
from tests.data.data_builders import COMMON


@pytest.fixture(scope="module")
def fetched(tmp_path_factory):
    out = tmp_path_factory.mktemp("fetched") / "isic"
    with pytest.MonkeyPatch.context() as patch, serving(Archive(40)) as archive:
        patch.setenv("NO_PROXY", "127.0.0.1")
        fetch(archive, out)
    return out


@pytest.fixture
def local(fetched, tmp_path):
    """A copy of a finished fetch that a test may change."""
    return shutil.copytree(fetched, tmp_path / "isic")


def dataset(path, **changes):
    keys = {"query": "", "collections": [], "limit": None, "size": "full", "resize": None, "licenses": None}
    keys |= {**COMMON, "name": "isic_archive", "path": str(path), "label_field": "diagnosis_1"}
    return IsicArchiveDataset(**{**keys, **changes})


def rewrite(local, change):
    with (local / "metadata.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        change(row)
    with (local / "metadata.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def test_the_shipped_choice_loads_a_fetched_folder(local):
    declared = compose(["dataset=isic_archive", f"dataset.path={local}"]).config
    prepared = prepare(declared.dataset, declared.split, 32)
    assert (len(prepared.manifest), prepared.classes, prepared.positive) == (40, ["Benign", "Malignant"], 1)


def test_labels_groups_and_attributes_come_from_the_metadata(local):
    manifest = load(dataset(local))
    assert manifest.image_ids[:2] == [isic_id(0), isic_id(1)]
    assert manifest.labels[:2] == ["Benign", "Malignant"]
    assert manifest.groups[:4] == ["IP_0"] * 4  # patients come before lesions
    assert manifest.attributes["sex"][:2] == ["female", "male"]
    assert manifest.attributes["copyright_license"][1] == "CC-BY"
    assert manifest.paths[0] == str(local / "images/ISIC_0000000.jpg")


def test_licences_restrict_what_is_loaded(local):
    manifest = load(dataset(local, licenses=["CC-BY"]))
    assert len(manifest) == 13
    assert set(manifest.attributes["copyright_license"]) == {"CC-BY"}
    assert manifest.left_aside.kinds == {"image under another licence": 27}


def test_images_without_a_label_are_left_out_and_counted(local):
    rewrite(local, lambda row: row.update(diagnosis_1="") if row["isic_id"] == isic_id(5) else None)
    prepared = prepare(dataset(local, on_missing="drop"), None, 32)
    assert (len(prepared.manifest), prepared.findings.left_out_labels) == (39, {"": 1})
    assert isic_id(5) not in prepared.manifest.image_ids


def test_an_unknown_label_field_gets_the_nearest(local):
    with pytest.raises(DataError, match=r"says no diagnosys_1 of these images \(did you mean diagnosis_1\?\); it says"):
        load(dataset(local, label_field="diagnosys_1"))


def test_a_field_without_any_value_is_one_line(local):
    with pytest.raises(DataError, match="no image of .* has a diagnosis_5"):
        load(dataset(local, label_field="diagnosis_5"))


def test_what_was_not_fetched_names_the_command(tmp_path):
    with pytest.raises(DataError) as caught:
        load(dataset(tmp_path / "none", query="sex:male", collections=[249], limit=9, licenses=["CC-0"]))
    assert str(caught.value) == (
        f"nothing was fetched into {tmp_path / 'none'} yet: run `skinlab data fetch --query sex:male "
        f"--collections 249 --limit 9 --licenses CC-0 --out {tmp_path / 'none'}`"
    )


@pytest.mark.parametrize("changes", [{"query": "sex:male"}, {"limit": 3}, {"size": "thumbnail"}, {"resize": 64}])
def test_another_fetch_than_the_declared_one_is_refused(local, changes):
    with pytest.raises(DataError, match=r"holds another fetch \(size=full\): declare that one, or run `skinlab data"):
        load(dataset(local, **changes))


def record(local, change):
    content = json.loads((local / "fetch.json").read_text())
    change(content)
    (local / "fetch.json").write_text(json.dumps(content))


def test_a_fetch_of_fewer_licences_does_not_pass_for_one_of_more(local):
    record(local, lambda content: content["fetches"][0].update(licenses=["CC-0", "CC-BY"]))
    assert len(load(dataset(local, licenses=["CC-BY"]))) == 13
    for licenses in (None, ["CC-BY", "CC-BY-NC"]):
        with pytest.raises(DataError, match="holds another fetch"):
            load(dataset(local, licenses=licenses))


def test_the_first_n_under_other_licences_are_other_images(local):
    record(local, lambda content: content["fetches"][0].update(limit=40))
    assert len(load(dataset(local, limit=40))) == 40
    with pytest.raises(DataError, match="holds another fetch"):
        load(dataset(local, limit=40, licenses=["CC-0"]))


def test_an_unfinished_fetch_is_refused(local):
    record(local, lambda content: content.update(status="unfinished"))
    with pytest.raises(DataError, match="is not finished: run `skinlab data fetch --out .*` again"):
        load(dataset(local))


def test_files_that_failed_are_told_and_the_rest_is_used(local, caplog):
    record(local, lambda content: content["counts"].update(failed=2))
    assert len(load(dataset(local))) == 40
    assert "2 images could not be fetched and are missing" in caplog.text


def test_of_an_extended_folder_only_the_declared_fetch_is_used(local):
    record(local, lambda content: content["fetches"].append({**content["fetches"][0], "query": "sex:male"}))
    rewrite(local, lambda row: row.update(fetch="1 2" if row["sex"] == "male" else "1"))
    assert set(load(dataset(local, query="sex:male")).attributes["sex"]) == {"male"}
    assert len(load(dataset(local))) == 40


@pytest.mark.parametrize("text", ["isic_id,file\nISIC_0000000,images/ISIC_0000000.jpg\n", "file,fetch\nimages/a.jpg\n"])
def test_a_table_that_is_not_as_it_was_written_is_one_line(local, text):
    (local / "metadata.csv").write_text(text)
    with pytest.raises(DataError, match="is not as the fetch wrote it: run the fetch again"):
        load(dataset(local))


def test_a_missing_file_is_named(local):
    (local / "images/ISIC_0000003.jpg").unlink()
    with pytest.raises(DataError, match=r"1 files are missing in .*: images/ISIC_0000003.jpg; run `skinlab data fetch"):
        load(dataset(local))


@pytest.mark.parametrize(
    "file", ["../secret.jpg", "/etc/passwd", "images/../../x.jpg", "images/..", "images/", "images"]
)
def test_a_table_cannot_lead_out_of_the_folder(local, file):
    rewrite(local, lambda row: row.update(file=file) if row["isic_id"] == isic_id(5) else None)
    with pytest.raises(DataError, match="1 files lie outside images/"):
        load(dataset(local))
