"""Published lists of copies and of errors, in the forms that they are published in."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from skinlab import records
from skinlab.data.audit.known import copies, without_errors
from skinlab.data.audit.page import sections
from skinlab.data.manifest import Manifest
from skinlab.data.prepare import Prepared, prepare
from skinlab.errors import DataError
from skinlab.schema import Audit
from tests.data.data_builders import column_split, folder_dataset, holdout_split, noise_image, table_dataset

Make = Callable[..., Path]
IDS = ["x/ISIC_1", "x/ISIC_2", "ISIC_3", "ISIC_4.v2"]


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], str]:
    def write(text: str) -> str:
        path = tmp_path / "list.csv"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


@pytest.mark.parametrize(
    "text",
    [
        "image_name_1,image_name_2\nISIC_1,ISIC_3\nISIC_2,ISIC_9\n",  # of ISIC 2020
        "similarity,from_img,to_img\n0.98,ISIC_1.jpg,ISIC_3.jpg\n0.97,ISIC_2.jpg,ISIC_8.jpg\n",  # of HAM10000
        "image1,image2\n/a_1/ISIC_1.jpg,/b_2/ISIC_3.jpg\n/a_1/ISIC_2.jpg,/b/ISIC_7.jpg\n",  # of Fitzpatrick17k
        "ISIC_1,ISIC_3\nISIC_7,ISIC_9\n",  # without a header
    ],
)
def test_two_images_of_a_row_are_copies_in_every_published_form(written: Callable[[str], str], text: str) -> None:
    path = written(text)
    named = copies([path], IDS)
    assert (named.sets, named.absent) == ([[0, 2]], {path: 1})


@pytest.mark.parametrize("text", ["ISIC_1\nISIC_9\n", "md5hash,why\nISIC_1,face\nISIC_9,arm\n"])
def test_an_image_of_a_list_of_errors_is_left_out_and_the_others_are_counted(
    written: Callable[[str], str], text: str
) -> None:
    path = written(text)
    manifest = Manifest(image_ids=IDS, paths=[""] * 4, labels=["a"] * 4, groups=[None] * 4)
    kept, wrong, absent = without_errors(manifest, [path])
    assert (kept.image_ids, wrong, absent) == (IDS[1:], ["x/ISIC_1"], {path: 1})


def test_a_list_of_copies_is_no_list_of_errors(written: Callable[[str], str]) -> None:
    manifest = Manifest(image_ids=IDS, paths=[""] * 4, labels=["a"] * 4, groups=[None] * 4)
    with pytest.raises(DataError, match=r"1 rows name several images \(x/ISIC_1, x/ISIC_2\).* audit\.known_duplicates"):
        without_errors(manifest, [written("a,b\nISIC_1,ISIC_2\n")])


def test_a_name_that_two_images_have_means_none(written: Callable[[str], str]) -> None:
    path = written("a,b\na,c\n")
    assert copies([path], ["one/a", "two/a", "c"]).sets == []


def test_a_list_that_is_not_there_is_named() -> None:
    with pytest.raises(DataError, match=r"no such table: none\.csv"):
        copies(["none.csv"], IDS)


def rules(**changes: object) -> Audit:
    keys = {"near_duplicates": False, "similarity": 0.83, "on_leak": "fail", "small_class": 1, "outlier_z": 100.0}
    return Audit(**{**keys, "known_duplicates": [], "known_errors": [], **changes})  # type: ignore[arg-type]


def test_copies_of_a_list_stay_in_one_subset_of_our_own_split(
    class_folder: Make, written: Callable[[str], str]
) -> None:
    root = class_folder(benign=12, malignant=12)
    path = written("image_name_1,image_name_2\nbenign_000,benign_001\nmalignant_003,malignant_004\n")

    def placed(seed: int) -> Prepared:
        return prepare(folder_dataset(root), holdout_split(seed=seed), 16, audit=rules(known_duplicates=[path]))

    for seed in range(4):
        subsets = dict(zip((found := placed(seed)).manifest.image_ids, found.subsets, strict=True))
        assert subsets["benign/benign_000"] == subsets["benign/benign_001"]
        assert subsets["malignant/malignant_003"] == subsets["malignant/malignant_004"]
    assert found.audit["known_duplicates"][0] == ["benign/benign_000", "benign/benign_001"]


def test_copies_of_a_list_in_two_subsets_of_a_given_split_are_leaks(
    tmp_path: Path, written: Callable[[str], str], caplog: pytest.LogCaptureFixture
) -> None:
    lines = ["image_id,label,part"]
    for i in range(12):
        noise_image(i).save(tmp_path / f"i{i:02}.png")
        lines.append(f"i{i:02},{'ab'[i % 2]},{('train', 'val', 'test')[i // 4]}")
    (tmp_path / "table.csv").write_text("\n".join(lines) + "\n")
    dataset, split = table_dataset(tmp_path / "table.csv"), column_split("part")
    path = written("a,b\ni00,i10\n")
    with pytest.raises(DataError, match=r"i00 \(train\) and i10 \(test\): copies by audit\.known_duplicates"):
        prepare(dataset, split, 16, audit=rules(known_duplicates=[path]))
    with caplog.at_level(logging.WARNING):
        left = prepare(dataset, split, 16, audit=rules(known_duplicates=[path], on_leak="drop"))
    assert left.audit["left_out"] == ["i00"]


def test_what_lists_changed_is_recorded_shown_and_said(class_folder: Make, written: Callable[[str], str]) -> None:
    root = class_folder(benign=12, malignant=12)
    path = written("id\nbenign_002\nbenign_999\n")
    found = prepare(folder_dataset(root), holdout_split(), 16, audit=rules(known_errors=[path]))
    assert "benign/benign_002" not in found.manifest.image_ids
    assert found.audit["known_errors"] == ["benign/benign_002"]
    assert found.audit["absent_in_lists"] == {path: 1}
    shown = {section.title: section.entries for section in sections(found.findings)}
    assert shown["Left out by a published list"][0].why == "benign/benign_002"
    assert shown["Rows of published lists without an image"][0].why == f"{path}: 1 rows"
    remarks = records.data_remarks(found.audit)
    assert "left out by audit.known_errors: 1: benign/benign_002" in remarks
    assert f"{path}: 1 rows name no images of the data" in remarks
