"""docs/notebooks: committed without outputs, by the public interface alone, and run from the first cell to the last."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

import skinlab
from tests.docs.pages import ROOT

NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def cells(notebook: Path, kind: str) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(notebook.read_text())["cells"] if cell["cell_type"] == kind]


def code(notebook: Path) -> str:
    return "\n".join("".join(cell["source"]) for cell in cells(notebook, "code"))


def test_there_are_three_in_their_order() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["01_data", "02_modelling", "03_deployment"]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_committed_without_outputs(notebook: Path) -> None:
    for cell in cells(notebook, "code"):
        assert (cell["outputs"], cell["execution_count"], cell["metadata"]) == ([], None, {})
    assert "base64" not in notebook.read_text()


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_uses_the_public_interface_alone_and_says_what_it_is_not(notebook: Path) -> None:
    tree = ast.parse(code(notebook))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert imported == {"skinlab"}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module != "pathlib"]
    assert set(re.findall(r"\bskinlab\.(\w+)", code(notebook))) <= set(skinlab.__all__)
    text = " ".join("".join(cell["source"]) for cell in cells(notebook, "markdown"))
    assert "Not a medical device" in text
    assert "phantoms" in text


@pytest.mark.slow
@pytest.mark.cntk
@pytest.mark.timeout(600)
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(notebook: Path, home: Path, tmp_path: Path) -> None:
    nbclient = pytest.importorskip("nbclient", reason="needs nbclient")
    nbformat = pytest.importorskip("nbformat", reason="needs nbformat")
    done = nbformat.read(notebook, 4)
    nbclient.NotebookClient(done, timeout=580, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [output for cell in done.cells if cell.cell_type == "code" for output in cell.outputs if "data" in output]
    assert any("text/html" in output.data for output in shown)
