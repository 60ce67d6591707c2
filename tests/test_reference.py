"""docs/reference.md is what the schema and conf/ say."""

from pathlib import Path

import pytest

from skinlab import reference, schema
from skinlab.config import tree
from skinlab.config.places import choices, groups, places

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference.md"


def test_the_committed_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference.page(), "the reference is old: run `make reference`"


def test_every_key_and_every_choice_is_on_it() -> None:
    text = reference.page()
    for key in tree.all_keys():
        if tree.follows_choice(key.path) or tree.sections(key.kind):
            continue
        assert f"| `{key.dotted.replace('.[]', '[]')}` | " in text
    for group in groups(places()[:1]):
        for name in choices(group, places()[:1]):
            assert f"`{group}={name}`" in text


def test_a_key_has_its_meaning_type_range_default_and_file() -> None:
    assert (
        "| `optimizer.learning_rate` | step size, applied to the mean gradient of the minibatch "
        "| number, greater than 0 and at most 10 | 0.01 with "
    ) in reference.page()
    assert (
        "| `seed` | of weights, order, augmentation and dropout | whole number, at least 0 and at most 2147483647 "
        "| `1` | `conf/config.yaml` |"
    ) in reference.page()
    assert (
        "| `dataset.path` | the folder, or a .zip or .tar archive of it | text | none, required "
        "| `conf/dataset/folder.yaml` |"
    ) in reference.page()


def test_choices_of_the_current_directory_are_not_on_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "conf" / "network").mkdir(parents=True)
    (tmp_path / "conf" / "network" / "mine.yaml").touch()
    monkeypatch.chdir(tmp_path)
    assert "network=mine" not in reference.page()


def test_a_choice_is_told_by_its_class_or_by_its_file() -> None:
    text = reference.page()
    assert f"| `optimizer=adam` | {' '.join((schema.Adam.__doc__ or '').split())} |" in text
    assert "| `experiment=debug` | The whole path in seconds: does everything run? Its numbers mean nothing. |" in text
