"""Every preset in experiments/ runs, shortened."""

from pathlib import Path

import pytest

from tests.integration.commands import ROOT, Workplace, record

PRESETS = sorted(path.stem for path in (ROOT / "experiments").glob("*.yaml"))
SHORT = ("training.epochs=1", "network.image_size=32", "network.weights=none", "evaluation.bootstrap=100")
OF_PHANTOMS = ("debug", "phantoms_shuffled")
DRAWN = ("dataset.images=32", "dataset.draw_size=32")


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_runs(workplace: Workplace, folder: Path, preset: str) -> None:
    given = (f"dataset.path={folder}",) if preset not in OF_PHANTOMS else DRAWN
    run = workplace.train(f"experiment={preset}", *SHORT, *given)
    assert run.parent.name == preset
    facts = record(run)
    assert (facts["status"], facts["experiment"]) == ("finished", preset)


def test_the_default_experiment_runs(workplace: Workplace) -> None:
    assert workplace.train(*SHORT, *DRAWN).parent.name == "default"
