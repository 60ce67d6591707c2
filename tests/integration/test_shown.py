"""What training is shown as declared, all of it together: fixed copies, balanced classes, mixup, smoothed labels."""

from tests.integration.commands import TINY, Workplace, metrics, record

SHOWN = (
    "augmentation=dermoscopy",
    "augmentation.copies=1",
    "training.sampling=balanced",
    "training.mixup=0.3",
    "training.label_smoothing=0.1",
)


def test_a_run_with_copies_balance_mixup_and_smoothing_finishes(workplace: Workplace) -> None:
    run = workplace.train(*TINY, *SHOWN)
    assert record(run)["status"] == "finished"
    assert "on 14 images and 1 fixed copy of each, 2 epochs" in (run / "train.log").read_text()
    correct = [epoch["train_accuracy"] * 28 for epoch in metrics(run)]
    assert all(abs(count - round(count)) < 1e-6 for count in correct)
