"""The parts of the page, from the headline to how the run is reproduced. Each is a function of the facts."""

import base64
from collections.abc import Iterator, Sequence
from typing import Any

from skinlab.data.wording import listed
from skinlab.evaluation import tables
from skinlab.evaluation.scores import CLASS_LABELS
from skinlab.evaluation.summary import BINARY
from skinlab.report import charts, threshold
from skinlab.report.facts import Facts, Galleries, Picture
from skinlab.report.galleries import SIDE
from skinlab.report.markup import Html, element, paragraph, section, table, together
from skinlab.report.words import bounds, counted, number, sentence, with_interval

HEADLINE = ("auc", "sensitivity", "specificity", "balanced_accuracy")
OF_CLASS = (*tables.OF_CLASS, "precision")
FINDINGS = {
    "corrupt": "files that cannot be read",
    "duplicates": "groups of files with the same content",
    "duplicates_with_conflicting_labels": "of these with different labels",
    "near_duplicates": "pairs of near-duplicates",
    "near_duplicates_with_conflicting_labels": "of these with different labels",
    "leaks": "pairs of images in two subsets that should be in one",
    "left_out": "images left out because of that",
    "outliers": "images that stand out in brightness, contrast or file size",
}
"""What audit.json counts, and how it is called."""
HEAT = """Beside an image: where the network sees the class that it called (Grad-CAM, yellow is most). It shows what was
used, not whether that is right."""
FEWEST_PLACES = 4
"""In a row of a heat map; one with fewer is said to tell little."""
SAME = """On the same machine the same code, packages (environment.lock), data and seed give the same summary.json, byte
for byte. Where the fingerprint or the split hash differ, it is other data."""


# --- numbers -------------------------------------------------------------------------------------------------------


def headline(facts: Facts) -> Html:
    """The first look: what it is, what must be known, a few numbers with their intervals."""
    test = facts.result["test"]
    return together(
        [
            element("h1", facts.title),
            paragraph(sentence(facts.warning), class_="warning"),
            paragraph("Numbers ", tables.heading(test, "test"), "."),
            cards(test),
            paragraph(element("strong", "Looks at the test subset: "), _looks(facts.looks)) if facts.looks else "",
            element("ul", *(element("li", remark) for remark in facts.remarks), class_="remarks")
            if facts.remarks
            else "",
        ]
    )


def cards(summary: dict[str, Any]) -> Html:
    """The few numbers of a subset that are looked at first."""
    labels, level = tables.labels_of(summary), tables.level_of(summary)
    made = [_card(labels[name], summary["metrics"][name], level) for name in headline_of(summary)]
    return element("dl", *made, class_="headline")


def headline_of(summary: dict[str, Any]) -> list[str]:
    """Names of the few numbers: without a positive class those of all classes."""
    return [name for name in HEADLINE if name in summary["metrics"]]


def _card(label: str, entry: dict[str, Any], level: str) -> Html:
    if entry["value"] is None:
        return element("div", element("dt", label), element("dd", with_interval(entry), class_="undefined"))
    interval = f"{bounds(entry)}, {level} {entry['interval']}" if entry["interval"] else entry["why"]
    return element("div", element("dt", label), element("dd", number(entry["value"]), element("small", interval)))


def _looks(looks: dict[str, Any]) -> str:
    if looks["looks"] == 1:
        return "this is the first."
    return (
        f"{looks['looks']} by {counted(looks['runs'], 'run')} up to this one. A choice among runs by this score is "
        "model selection on the test subset."
    )


def all_numbers(facts: Facts) -> Html:
    """Every number with its interval; what validation decided; calibration before and after."""
    result, test = facts.result, facts.result["test"]
    level, labels = tables.level_of(test), tables.labels_of(test)
    rows = [(labels[name], *with_method(entry)) for name, entry in test["metrics"].items()]
    parts = [table(f"Numbers of the test images; {level} intervals", ("Number", "Value", "Interval"), rows)]
    if point := result.get("operating_point"):
        parts.append(_operating_point(point, level))
    if result.get("calibration", {}).get("method", "none") != "none":
        parts.append(_calibration(result["calibration"]))
    if len(test["classes"]) > BINARY:
        parts.append(per_class(test))
    return section("numbers", "All numbers", *parts)


def with_method(entry: dict[str, Any]) -> tuple[object, object]:
    """Value, and interval with its method; or why there is none."""
    if entry["value"] is None:
        return "-", with_interval(entry)
    if entry["interval"] is None:
        return number(entry["value"]), entry["why"]
    interval = element("span", bounds(entry), class_="nowrap")
    return number(entry["value"]), together([interval, element("small", entry["interval"])])


def _cell(entry: dict[str, Any]) -> object:
    """A number in a narrow column: its interval breaks as a whole."""
    if not entry["interval"]:
        return with_interval(entry)
    return together([number(entry["value"]), " ", element("span", bounds(entry), class_="nowrap")])


def _operating_point(point: dict[str, Any], level: str) -> Html:
    if point["threshold"] is None:
        return paragraph("An image is called what is most probable.")
    chosen = f"Operating point: probability at least {point['threshold']:.4g}, by the rule {point['rule']}"
    names = ("sensitivity", "specificity", "precision", "npv")
    rows = [(subset, *(_cell(point[subset][name]) for name in names)) for subset in ("validation", "test")]
    why = paragraph(f"The rule could not be followed: {point['why']}.") if point["why"] else ""
    head = ("Subset", *(CLASS_LABELS[name] for name in names))
    return together([table(f"{chosen}; {level} intervals", head, rows), why])


def _calibration(found: dict[str, Any]) -> Html:
    names = {"ece": "Expected calibration error", "log_loss": "Log loss", "brier": "Brier score"}
    rows = [
        (f"{subset}, {when}", *(_cell(found[subset][when][name]) for name in names))
        for subset in ("validation", "test")
        for when in ("before", "after")
    ]
    caption = f"Calibration by temperature {found['temperature']:.4g}, fitted on validation"
    why = paragraph(f"The temperature stays 1: {found['why']}.") if found["why"] else ""
    return together([table(caption, ("Subset", *names.values()), rows), why])


def per_class(test: dict[str, Any]) -> Html:
    """Some numbers of each class against the rest, with how many images are of it."""
    rows = [
        (name, test["classes"][name], *(_cell(found[key]) for key in OF_CLASS))
        for name, found in test["per_class"].items()
    ]
    caption = f"Each class against the rest; {tables.level_of(test)} intervals"
    return table(caption, ("Class", "Images", *(CLASS_LABELS[key] for key in OF_CLASS)), rows)


# --- curves --------------------------------------------------------------------------------------------------------


def learning(facts: Facts) -> Html:
    """Learning curves, where something was trained and there were epochs."""
    if "epochs" not in facts.result:
        return Html("")
    if not facts.epochs:
        return section("learning", "Learning", paragraph("The method has no epochs: there is no learning curve."))
    result = facts.result
    chosen = f"Best epoch by the validation subset ({result['monitor']}): {result['best_epoch']} of {result['epochs']}."
    return section(
        "learning", "Learning", paragraph(chosen), charts.learning_curves(facts.epochs, result["best_epoch"])
    )


def ranking(facts: Facts) -> Html:
    """ROC and precision-recall; of two classes with the slider, else with the matrix as it is."""
    test = facts.result["test"]
    curves = element(
        "div", charts.roc(facts.scored, test), charts.precision_recall(facts.scored, test), class_="charts"
    )
    if threshold.movable(test):
        below = [threshold.panel(test, facts.scored), threshold.matrix(test), threshold.rates(test)]
    else:
        below = [confusion(test)]
    return section("decisions", "Ranking and decisions", curves, *below)


def confusion(test: dict[str, Any], link: threshold.Link | None = None) -> Html:
    """The confusion matrix as it is, each count with a link to its images where there is one; or why there is none."""
    if test["confusion_matrix"] is None:
        why = with_interval(test["metrics"]["accuracy"])
        return paragraph(f"Confusion matrix: {why}", class_="undefined")
    names = list(test["classes"])
    rows = [
        (
            truth,
            *(
                threshold.count_of(count, link and link(truth, called), class_="diagonal" if truth == called else None)
                for called, count in zip(names, counts, strict=True)
            ),
        )
        for truth, counts in zip(names, test["confusion_matrix"], strict=True)
    ]
    return table("Confusion matrix: rows are the truth, columns the decision", ("Truth", *names), rows)


def calibration(facts: Facts) -> Html:
    """Whether the probabilities mean what they say."""
    explained = paragraph(
        "Of the images in a bin, the stated probability and the fraction for which it came true. Bars are intervals; a "
        "bin with few images has a wide one."
    )
    chart = element("div", charts.calibration(facts.result["test"]), class_="charts")
    return section("calibration", "Calibration", explained, chart)


# --- subgroups and images ------------------------------------------------------------------------------------------


def subgroups(facts: Facts) -> Html:
    """The test subset by the declared columns."""
    columns = facts.result["subgroups"]
    if not columns:
        none = "None were declared: evaluation.subgroups names columns of the data set, e.g. [sex, site]."
        return section("subgroups", "Subgroups", paragraph(none))
    caveat = paragraph(
        "Among many subgroups some intervals miss by chance; a difference between two is to be tested, not read off.",
        class_="dim",
    )
    made = [_subgroup_table(column, facts.result["test"]) for column in columns]
    return section("subgroups", "Subgroups", caveat, *made)


def _subgroup_table(column: dict[str, Any], test: dict[str, Any]) -> Html:
    labels, names = tables.labels_of(test), tables.in_subgroups(test)
    head = (column["column"], "Images", *(labels[name] for name in names), "Remark")
    rows = [
        (
            part["name"],
            part["images"],
            *(_cell(part["metrics"][name]) for name in names),
            element("span", part["small"], class_="remark") if part["small"] else "",
        )
        for part in column["subgroups"]
    ]
    return table(f"By {column['column']}; {tables.level_of(test)} intervals", head, rows)


def pictures(facts: Facts) -> Html:
    """The most wrong and the most uncertain images."""
    found = facts.galleries
    heat = paragraph(f"No heat maps: {found.no_heat}." if found.no_heat else f"{HEAT}{_coarse(found)}", class_="dim")
    parts = [
        *_gallery("Most wrong", "called what they are not; the least probable truth first", found.wrong),
        *_gallery("Most uncertain", "nearest to another decision", found.uncertain),
    ]
    return section("images", "Images worth a look", heat, *parts)


def _coarse(found: Galleries) -> str:
    """What must be known of maps with very few places."""
    if found.places is None or min(found.places) >= FEWEST_PLACES:
        return ""
    shape = " x ".join(map(str, found.places))
    return f" A map has only {shape} places here, for images of this size: it tells little of where, or nothing."


def _gallery(title: str, meaning: str, shown: Sequence[Picture]) -> Iterator[Html]:
    yield element("h3", title)
    yield paragraph(f"{counted(len(shown), 'image')}: {meaning}." if shown else "None.", class_="dim")
    yield element("div", *(_picture(one) for one in shown), class_="gallery")


def _picture(shown: Picture) -> Html:
    images = [_image(shown.image, f"image {shown.image_id}")]
    if shown.heat is not None:
        images.append(_image(shown.heat, f"heat map of {shown.decision} over image {shown.image_id}"))
    called = element("b", f"called {shown.decision}")
    caption = element(
        "figcaption", called, f" ({shown.probability:.3f}), is {shown.truth}", element("br"), shown.image_id
    )
    return element("figure", element("div", *images, class_="pair"), caption)


def _image(jpeg: bytes, alternative: str) -> Html:
    source = "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()
    return element("img", src=source, alt=alternative, width=SIDE, height=SIDE)


# --- where it comes from -------------------------------------------------------------------------------------------


def data(facts: Facts) -> Html:
    """Counts by class and subset, and what the audit found."""
    audit = facts.audit
    names = list(dict.fromkeys(subset for counts in audit["counts"].values() for subset in counts))
    rows = [(label, *(counts.get(subset, 0) for subset in names)) for label, counts in audit["counts"].items()]
    merged = [
        paragraph(f"{name} is made of {listed([f'{count} x {label}' for label, count in labels.items()])}.")
        for name, labels in audit["classes"].items()
        if list(labels) != [name]
    ]
    return section(
        "data",
        "Data and audit",
        table("Images by class and subset", ("Class", *names), rows),
        *merged,
        table("What the audit found", ("Finding", "Count"), _findings(audit)),
        *(paragraph(_small(one)) for one in audit["small_classes"]),
    )


def _findings(audit: dict[str, Any]) -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = [
        (said, "not searched" if audit[key] is None else len(audit[key])) for key, said in FINDINGS.items()
    ]
    rows.append(("labels corrected by the label log", len(audit["label_log"]["applied"])))
    rows.append(("images whose lesion or patient is not known", audit["images_without_group"]))
    return rows


def _small(one: dict[str, Any]) -> str:
    return (
        f"{one['label']} has {counted(one['images'], 'image')} in {one['subset']}: a proportion is known to "
        f"±{one['half_width']:.0%} there."
    )


def configuration(facts: Facts) -> Html:
    """The declaration, as YAML."""
    import yaml

    declared = yaml.safe_dump(facts.config, sort_keys=False, allow_unicode=True, width=100)
    opened = element("summary", "What was declared, defaults included")
    return section(
        "configuration", "Configuration", element("details", opened, element("pre", element("code", declared)))
    )


def reproduction(facts: Facts) -> Html:
    """What must be the same to get the same numbers."""
    rows = [(name, element("span", value, class_="hash")) for name, value in facts.origin]
    return section(
        "reproduce",
        "How to reproduce",
        paragraph(SAME),
        element("pre", element("code", facts.command)),
        table("Where the numbers come from", ("What", "Value"), rows),
    )
