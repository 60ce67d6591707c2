"""What a run was made with against what there is now: code, packages, machine, weights, data. Trains nothing."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from skinlab import machine as this_machine
from skinlab import records, schema
from skinlab.data.label_log.apply import declared_entries
from skinlab.data.label_log.entries import NONE, last_by_image
from skinlab.data.prepare import Prepared, prepare
from skinlab.data.wording import listed
from skinlab.engines.cntk import runtime
from skinlab.errors import SkinlabError
from skinlab.files import sha256_of
from skinlab.run import Run
from skinlab.runs.differences import (
    ABSENT,
    MACHINE,
    OURS,
    RUNTIME,
    Difference,
    images,
    of_images,
    of_mappings,
    of_packages,
    packages,
    rows_of,
)

_OWN_FILES = ("file", "run")  # origins of weights that are not known by their published hash


@dataclass(frozen=True)
class Prerequisites:
    """What differs before anything is run.

    Attributes:
        differences: by subject; subjects without one are left out.
        remarks: what cannot be told, or makes no difference though it looks so.
    """

    differences: dict[str, list[Difference]]
    remarks: list[str]

    def as_json(self) -> dict[str, Any]:
        """For reproduction.json."""
        found = {subject: [asdict(each) for each in listed] for subject, listed in self.differences.items()}
        return {"differences": found, "remarks": self.remarks}


def check(run: Run, config: schema.Config) -> Prerequisites:
    """Compare what a run was made with, with this machine and the data as they are now.

    Args:
        run: finished.
        config: its declaration.

    Raises:
        SkinlabError: a file of the run cannot be read.
    """
    now = records.environment()
    return _gathered(
        {
            "code": lambda: of_mappings(run.record["code"], now["code"]),
            "environment": lambda: of_packages(packages(run.path)[OURS], this_machine.packages()),
            "machine": lambda: of_machine(run, now["machine"]),
            **_of_inputs(run, config),
        },
        _dirty(run, now["code"]),
    )


def check_inputs(run: Run, config: schema.Config) -> Prerequisites:
    """The same of what an environment of its own does not bring along: the engine's runtime, weights and data."""
    return _gathered(_of_inputs(run, config), [])


def _of_inputs(run: Run, config: schema.Config) -> dict[str, Callable[[], list[Difference]]]:
    return {
        "engine runtime": lambda: of_runtime(run),
        "weights": lambda: of_weights(run),
        "data": lambda: of_data(run, config),
        "label log": lambda: later_corrections(run, config.dataset),
    }


def _gathered(questions: dict[str, Callable[[], list[Difference]]], remarks: list[str]) -> Prerequisites:
    answers = {subject: question() for subject, question in questions.items()}
    if later := answers.pop("label log"):
        remarks = [
            *remarks,
            f"labels corrected since, left as the run had them: {listed([str(found) for found in later])}",
        ]
    return Prerequisites({subject: found for subject, found in answers.items() if found}, remarks)


def _dirty(run: Run, now: dict[str, Any]) -> list[str]:
    said = []
    if run.record["code"].get("dirty"):
        said.append("the run was made with files that differed from its commit, and which is not known")
    elif now["dirty"]:
        said.append("files of this checkout differ from its commit")
    return said


def of_machine(run: Run, now: dict[str, Any]) -> list[Difference]:
    """Facts of the machine that may change bits."""
    before = run.record["machine"]
    return of_mappings({key: before.get(key) for key in MACHINE}, {key: now.get(key) for key in MACHINE})


def of_runtime(run: Run) -> list[Difference]:
    """The packages of CNTK's runtime; none where the engine had no runtime of its own."""
    recorded = packages(run.path)[RUNTIME]
    if not recorded:
        return []
    found = runtime.find(run.record.get("engine", {}).get("variant"))
    return of_packages(recorded, found.packages() if found else {})


def of_weights(run: Run) -> list[Difference]:
    """The file that training began with; published weights are known by their hash and need no look."""
    recorded = run.record.get("weights", {})
    if recorded.get("source") not in _OWN_FILES:
        return []
    file = Path(recorded["file"])
    now = sha256_of(file) if file.is_file() else ABSENT
    return [] if now == recorded["sha256"] else [Difference(f"{file} (sha256)", recorded["sha256"], now)]


def of_data(run: Run, config: schema.Config) -> list[Difference]:
    """Each image that is not as it was, with the labels of the run's revision; or why the data cannot be used."""
    try:
        data = prepare(records.pinned(config.dataset, run), config.split, config.network.image_size, audit=config.audit)
    except SkinlabError as error:
        return [Difference("the data set", "usable", str(error))]
    return images_of(run, data)


def images_of(run: Run, data: Prepared) -> list[Difference]:
    """The same of data that are prepared."""
    record = run.record
    if (record["dataset_fingerprint"], record["split_hash"]) == (data.fingerprint, data.split_hash):
        return []
    found = of_images(images(run.path / "split.csv"), rows_of(records.split_text(data)))
    return found or [Difference("how images are decoded", record["dataset_fingerprint"], data.fingerprint)]


def later_corrections(run: Run, dataset: schema.Dataset) -> list[Difference]:
    """Labels that the log has changed since the run: they make no difference, since its revision is used."""
    try:
        then = last_by_image(declared_entries(records.pinned(dataset, run)))
        now = last_by_image(declared_entries(replace(dataset, label_revision=None)))
    except SkinlabError:
        return []  # told with the data
    before = {name: then[name].new_label if name in then else now[name].source_label for name in now}
    return [
        Difference(name, before[name] or NONE, now[name].new_label or NONE)
        for name in sorted(now)
        if before[name] != now[name].new_label
    ]
