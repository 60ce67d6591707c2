import json
from pathlib import Path

import pytest

from skinlab.errors import DataError
from skinlab.run import Run
from skinlab.runs import differences
from tests.runs.run_builders import make_run

HEAD = "image_id,sha256,label,group,subset\n"


@pytest.fixture
def two(tmp_path: Path) -> tuple[Run, Run]:
    return Run.open(make_run(tmp_path / "a")), Run.open(make_run(tmp_path / "b"))


def lines(found: list[differences.Difference]) -> list[str]:
    return [str(each) for each in found]


def test_runs_of_one_declaration_and_result_do_not_differ(two: tuple[Run, Run]) -> None:
    assert differences.between(*two) == {}


def test_only_what_differs_is_told_by_subject(tmp_path: Path, two: tuple[Run, Run]) -> None:
    other = Run.open(make_run(tmp_path / "c", "optimizer.learning_rate=0.1", auc=0.9))
    other.update(code={"version": "0.1.0", "commit": "b" * 40, "dirty": True})
    (two[0].path / "environment.lock").write_text(
        "# environment\nnumpy==2.1.0\nast_x==1\n# engine runtime\ncntk==2.7\n"
    )
    (other.path / "environment.lock").write_text("# environment\nnumpy==2.2.0\nAst-X==1\nnew==3\n")
    found = differences.between(two[0], other)
    assert {subject: lines(each) for subject, each in found.items()} == {
        "declaration": ["optimizer.learning_rate: 0.01 -> 0.1"],
        "code": ["commit: aaaaaaaaaaaa -> bbbbbbbbbbbb", "dirty: false -> true"],
        "environment": ["new: absent -> 3", "numpy: 2.1.0 -> 2.2.0"],
        "engine runtime": ["cntk: 2.7 -> absent"],
        "numbers": ["validation.auc: 0.8 -> 0.9"],
    }


def test_each_image_that_is_not_the_same_is_named(two: tuple[Run, Run]) -> None:
    rows = ["a,01,nevus,L1,train", "b,02,nevus,,test", "c,03,nevus,,test", "d,04,nevus,,test"]
    changed = ["a,01,melanoma,L1,train", "b,ff,nevus,,test", "c,03,nevus,,validation", "e,05,nevus,,test"]
    for run, table, split_hash in ((two[0], rows, "x"), (two[1], changed, "y")):
        (run.path / "split.csv").write_text(HEAD + "\n".join(table) + "\n")
        run.update(split_hash=split_hash)
    assert lines(differences.between(*two)["data"]) == [
        "split_hash: x -> y",
        "a label: nevus -> melanoma",
        "b content (sha256): 02 -> ff",
        "d: nevus, test -> absent",
        "e: absent -> nevus, test",
        "c subset: test -> validation",
    ]


def test_a_split_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "split.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"split\.csv cannot be read"):
        differences.images(tmp_path / "split.csv")


def test_a_difference_can_be_written_as_json(two: tuple[Run, Run]) -> None:
    two[1].update(classes=["a"])
    (found,) = differences.between(*two)["data"]
    assert json.dumps(found.after) == '["a"]'


def test_a_file_that_was_moved_to_the_folder_of_another_class_is_one_difference() -> None:
    row = {"sha256": "ab", "label": "benign", "group": "", "subset": "test"}
    found = differences.of_images({"benign/a": row}, {"malignant/a": row | {"label": "malignant"}})
    assert lines(found) == ["benign/a: benign, test -> malignant/a: malignant, test"]
