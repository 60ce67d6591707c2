import subprocess
import sys
from pathlib import Path

import pytest

import skinlab
from skinlab.api import RunView
from skinlab.errors import ConfigError, DataError

pytest.importorskip("pandas", reason="needs pandas")


def test_verdicts_are_those_of_the_command(trained: RunView, other: RunView, tmp_path: Path) -> None:
    found = skinlab.compare(trained, other, each=True)
    command = [sys.executable, "-m", "skinlab", "compare", str(trained.path), str(other.path), "--each"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    (verdict,) = found.verdicts
    assert verdict in done.stdout.replace("\n", " ")
    pair = found.pairs.iloc[0]
    difference = trained.results().loc["auc", "value"] - other.results().loc["auc", "value"]
    assert (pair["one"], pair["other"]) == ("A", "B")
    assert pair["value"] == pytest.approx(difference)
    assert found.experiments["seed"].tolist() == [1, 2]
    page = found._repr_html_()
    assert verdict in page
    assert "phantoms" in page
    assert "</html>" in found.save(tmp_path / "page.html").read_text()


def test_a_sweep_an_experiment_or_a_pattern_can_be_named(trained: RunView, other: RunView) -> None:
    assert len(skinlab.compare(f"{trained.path.parent}/*", each=True).found.standings) >= 2


def test_questions_that_make_no_sense_are_refused(trained: RunView, other: RunView) -> None:
    with pytest.raises(ConfigError, match="metric=aucc: no such number .did you mean auc.."):
        skinlab.compare(trained, other, metric="aucc")
    with pytest.raises(ConfigError, match="top=1: a comparison needs at least 2"):
        skinlab.compare(trained, other, top=1)
    with pytest.raises(DataError, match="a comparison needs two experiments"):
        skinlab.compare(trained)
