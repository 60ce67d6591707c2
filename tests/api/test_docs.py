"""Every snippet of docs/python.md runs, in the order of the page, and what it shows is what there is."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

import skinlab

pytest.importorskip("pandas", reason="needs pandas")
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "python.md").read_text(encoding="utf-8")


def snippets() -> list[str]:
    """The indented blocks of the page that are Python."""
    blocks = re.findall(r"(?:^    .*\n|^\n(?=    ))+", PAGE, flags=re.MULTILINE)
    texts = ["\n".join(line[4:] for line in block.strip("\n").splitlines()) for block in blocks]
    return [text for text in texts if text.strip() and not text.startswith("OutputError")]


@pytest.mark.slow
def test_every_snippet_runs() -> None:
    names: dict[str, Any] = {}
    assert len(snippets()) >= 7
    for text in snippets():
        exec(compile(ast.parse(text), "docs/python.md", "exec"), names)  # noqa: S102 - our own page
    assert names["experiment"].command == re.search(r"experiment.command +# '(.*)'", PAGE)[1]  # type: ignore[index]
    assert names["run"].status == "finished"
    assert Path("comparison.html").exists()


def test_the_names_of_the_page_exist() -> None:
    named = set(re.findall(r"skinlab\.(\w+)\(", PAGE))
    assert named <= set(skinlab.__all__)
    assert named >= set(skinlab.__all__) - {"__version__"}
    views = set(re.findall(r"`(\w+View)`", PAGE)) | {"Experiment"}
    assert all(hasattr(skinlab.api, name) for name in views)


def test_the_line_of_a_run_that_is_not_finished_is_as_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from skinlab.api import RunView
    from skinlab.errors import OutputError
    from skinlab.run import Run

    monkeypatch.chdir(tmp_path)
    run = RunView(Run.create(tmp_path / "outputs/runs/debug/20260101-120000-abcdef", {}).path)
    with pytest.raises(OutputError) as caught:
        _ = run.summary
    assert f"OutputError: {caught.value}" in PAGE
