import numpy as np

from skinlab.data.augmentation import Augmenter
from skinlab.data.preview import changes, choose
from tests.data.test_loader import COUNT, NOISE, loader


def test_training_images_of_each_class_are_chosen_and_no_others() -> None:
    given = loader()
    chosen = choose(given, 3)
    assert [len(rows) for rows in chosen] == [3, 3]
    for label, rows in enumerate(chosen):
        assert set(given.targets[rows]) == {label}
        assert rows.max() < COUNT
        assert rows.tolist() == sorted(rows.tolist())


def test_a_class_with_few_images_shows_all_of_them() -> None:
    assert [len(rows) for rows in choose(loader(), 1000)] == np.bincount(loader().targets[:COUNT]).tolist()


def test_what_is_shown_is_what_training_draws_in_each_epoch() -> None:
    given = loader(mixup=0.3)
    for epoch, shown in enumerate(changes(given, row=5, count=3)):
        seen = {image.tobytes(): target for batch in given.epoch(epoch) for image, target in batch_items(batch)}
        assert shown.caption == f"epoch {epoch + 1}"
        assert np.array_equal(seen[shown.image.tobytes()], shown.target)


def test_fixed_copies_are_shown_in_place_of_epochs_and_no_more_than_there_are() -> None:
    given = loader(copies=2, augment=Augmenter(NOISE))
    shown = changes(given, row=5, count=7)
    assert [one.caption for one in shown] == ["copy 1", "copy 2"]
    drawn = {image.tobytes() for batch in given.epoch(0) for image in batch.images}
    assert {one.image.tobytes() for one in shown} < drawn


def batch_items(batch):
    return zip(batch.images, batch.targets, strict=True)
