"""A run begins with the weights that it names, and says which they were."""

import hashlib
from pathlib import Path

from tests.integration.commands import TINY, Workplace, record


def test_an_earlier_run_is_gone_on_with(workplace: Workplace, finished_run: Path) -> None:
    run = workplace.train(*TINY, f"network.weights={finished_run}", "training.epochs=1")
    best = finished_run / "checkpoints" / "best.safetensors"
    assert record(run)["weights"] == {
        "source": "run",
        "file": str(best),
        "sha256": hashlib.sha256(best.read_bytes()).hexdigest(),
        "drawn": [],
    }
    assert "run weights from best.safetensors" in (run / "train.log").read_text()
    assert record(finished_run)["weights"]["source"] == "none"


def test_weights_of_another_network_stop_a_run_before_its_data_is_read(
    workplace: Workplace, finished_run: Path
) -> None:
    done = workplace.skinlab("train", *TINY, f"network.weights={finished_run}", "network=resnet34")
    assert done.code == 2
    assert "its network is resnet18, not resnet34" in done.err
    assert not (workplace.run() / "split.csv").exists()
    assert record(workplace.run())["status"] == "failed"
