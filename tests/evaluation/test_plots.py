import re

import numpy as np
import pytest

from skinlab.errors import OutputError
from skinlab.evaluation import plots
from skinlab.evaluation.scores import Levels
from skinlab.evaluation.summary import Settings, summarise

SIGNATURE = b"\x89PNG\r\n\x1a\n"
SETTINGS = Settings(confidence=0.95, resamples=100, seed=1, levels=Levels(0.9, 0.95))


def evaluated(classes=("benign", "malignant"), images=60):
    generator = np.random.default_rng(0)
    targets = np.arange(images) % len(classes)
    logits = generator.normal(size=(images, len(classes)))
    logits[np.arange(images), targets] += 1.5
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    summary = summarise(targets, probabilities, classes, 1, None, SETTINGS)
    return targets, probabilities, summary


def records(epochs=3):
    return [
        {
            "epoch": epoch + 1,
            "train_loss": 0.7 / (epoch + 1),
            "validation_loss": 0.8 / (epoch + 1),
            "validation_auc": None if epoch == 1 else 0.9,
            "validation_accuracy": 0.8,
            "learning_rate": 0.01,
        }
        for epoch in range(epochs)
    ]


def draw(kind, stem, note=""):
    targets, probabilities, summary = evaluated()
    if kind == "learning_curve":
        plots.learning_curve(records(), stem, best_epoch=3, note=note)
    elif kind in ("confusion", "reliability"):
        getattr(plots, kind)(summary, stem, note=note)
    else:
        getattr(plots, kind)(targets, probabilities, summary, stem, note=note)


def texts(stem):
    """What an SVG says: matplotlib writes each text as a comment beside its outlines."""
    return re.findall(r"<!-- (.*?) -->", stem.with_name(stem.name + ".svg").read_text(), flags=re.DOTALL)


KINDS = ["learning_curve", "roc", "precision_recall", "confusion", "reliability"]


@pytest.mark.parametrize("kind", KINDS)
def test_png_and_svg_lie_beside_each_other_alone_and_are_the_same_bytes_again(kind, tmp_path):
    import matplotlib as mpl

    first, second = tmp_path / "first" / "plot.v1", tmp_path / "second" / "plot.v1"
    for stem in (first, second):
        stem.parent.mkdir()
        # What the user prefers elsewhere must not show.
        with mpl.rc_context({"font.size": 5 if stem == first else 20, "axes.facecolor": "red"}):
            draw(kind, stem, note="phantoms, not patients")
    assert sorted(path.name for path in first.parent.iterdir()) == ["plot.v1.png", "plot.v1.svg"]
    for name in ("plot.v1.png", "plot.v1.svg"):
        assert (first.parent / name).read_bytes() == (second.parent / name).read_bytes()
    assert (first.parent / "plot.v1.png").read_bytes().startswith(SIGNATURE)


@pytest.mark.parametrize("kind", KINDS)
def test_note_is_printed(kind, tmp_path):
    draw(kind, tmp_path / "plot", note="phantoms, not patients")
    assert "phantoms, not patients" in texts(tmp_path / "plot")


def test_roc_legend_holds_the_auc_with_its_interval_and_the_operating_point(tmp_path):
    targets, probabilities, summary = evaluated()
    plots.roc(targets, probabilities, summary, tmp_path / "roc")
    auc = summary["metrics"]["auc"]
    found = texts(tmp_path / "roc")
    assert f"AUC {auc['value']:.3f} [{auc['low']:.3f}, {auc['high']:.3f}], 95 % DeLong" in found
    assert "operating point: probability at least 0.5" in found
    assert "chance" in found


@pytest.mark.parametrize("kind", ["roc", "precision_recall"])
def test_each_of_several_classes_has_its_curve_in_the_legend_whatever_its_name(kind, tmp_path):
    names = ("actinic keratosis", "_melanoma", "dermato$fibroma$")
    getattr(plots, kind)(*evaluated(names), tmp_path / "plot")
    found = "\n".join(texts(tmp_path / "plot"))
    assert all(name in found for name in names)


def test_confusion_matrix_shows_counts_and_fractions_of_the_truth(tmp_path):
    _, _, summary = evaluated()
    summary["confusion_matrix"] = [[3, 1], [0, 8]]
    plots.confusion(summary, tmp_path / "confusion")
    found = "\n".join(texts(tmp_path / "confusion"))
    for cell in ("3\n75 %", "1\n25 %", "0\n0 %", "8\n100 %"):
        assert cell in found


def test_curves_that_are_not_defined_say_so(tmp_path):
    probabilities = np.tile([0.4, 0.6], (4, 1))
    targets = np.ones(4, dtype=np.int64)
    summary = summarise(targets, probabilities, ["a", "b"], 1, None, SETTINGS)
    for plot in (plots.roc, plots.precision_recall):
        plot(targets, probabilities, summary, tmp_path / plot.__name__)
        assert "undefined: every image is b" in texts(tmp_path / plot.__name__)


def test_predictions_that_are_not_numbers_are_drawn_as_what_they_are(tmp_path):
    targets, probabilities, _ = evaluated()
    probabilities[3] = np.nan
    summary = summarise(targets, probabilities, ["a", "b"], 1, None, SETTINGS)
    plots.roc(targets, probabilities, summary, tmp_path / "roc")
    plots.precision_recall(targets, probabilities, summary, tmp_path / "precision_recall")
    plots.confusion(summary, tmp_path / "confusion")
    for name in ("roc", "precision_recall", "confusion"):
        assert "predictions of 1 of 60 images" in "\n".join(texts(tmp_path / name))


def test_learning_curve_marks_the_best_epoch_and_takes_a_single_one(tmp_path):
    plots.learning_curve(records(), tmp_path / "three", best_epoch=3)
    plots.learning_curve(records(1), tmp_path / "one")
    assert "best epoch: 3" in texts(tmp_path / "three")
    assert "best epoch: 3" not in texts(tmp_path / "one")


def test_pyplot_and_settings_of_the_process_are_left_alone(tmp_path):
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    before = dict(mpl.rcParams)
    draw("roc", tmp_path / "roc")
    assert plt.get_fignums() == []
    assert dict(mpl.rcParams) == before


def test_folder_that_is_not_there_is_an_output_error_that_names_the_file(tmp_path):
    with pytest.raises(OutputError, match=r"missing/roc\.png"):
        draw("roc", tmp_path / "missing" / "roc")


@pytest.mark.parametrize("suggestion", [0.01, None])
def test_the_range_test_shows_both_curves_and_marks_the_suggestion(tmp_path, suggestion):
    rates = np.geomspace(1e-4, 1, 30)
    losses = 1 + np.cos(np.arange(30) / 5)
    plots.range_test(rates, losses, losses, tmp_path / "lr_find", suggestion=suggestion, note="phantoms")
    shown = texts(tmp_path / "lr_find")
    assert {"loss of the minibatch", "smoothed", "learning rate", "phantoms", "0.0001", "0.1", "1"} <= set(shown)
    assert ("falls fastest at 0.01" in shown) == (suggestion is not None)
    assert (tmp_path / "lr_find.png").read_bytes().startswith(SIGNATURE)


def test_calibration_plot_names_its_error_and_says_why_where_there_is_none(tmp_path):
    _, _, summary = evaluated()
    plots.reliability(summary, tmp_path / "some")
    ece = summary["metrics"]["ece"]
    assert any(f"error {ece['value']:.3f} [{ece['low']:.3f}" in text for text in texts(tmp_path / "some"))
    nothing = summarise(np.zeros(0, dtype=np.int64), np.zeros((0, 2)), ["a", "b"], 1, None, SETTINGS)
    plots.reliability(nothing, tmp_path / "none")
    assert "undefined: there is no image" in texts(tmp_path / "none")
