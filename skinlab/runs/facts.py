"""What is known of a run without opening it again: its record, declaration, final numbers, tags, as flat values."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from skinlab import files, machine
from skinlab.config.differences import flattened
from skinlab.errors import OutputError, SkinlabError
from skinlab.run import Run
from skinlab.runs import notes

SUBSETS = ("validation", "test")
DAMAGED = "damaged"
"""In the place of a status: run.json or another of the files cannot be read."""


@dataclass(frozen=True)
class Facts:
    """A run in a list.

    Attributes:
        values: by key: of the record (`status`, `started`, ...), of the declaration by dotted key
            (`optimizer.learning_rate`), final numbers (`validation.auc`).
        choices: the file chosen in each config group, e.g. {"dataset": "isic2017"}, whose name may be another than that
            of the kind it declares.
        intervals: lowest and highest value of each final number, None where it has no interval.
        tags: sorted.
        notes: what people said of it, the oldest first.
        error: why it failed, or what cannot be read.
        process: which process runs it; None where it does not say that it runs.
    """

    values: dict[str, Any]
    choices: dict[str, str] = field(default_factory=dict)
    intervals: dict[str, list[float | None]] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    error: str | None = None
    process: dict[str, Any] | None = None

    @property
    def status(self) -> str:
        """The truth: a run that says it is running while its process is gone was interrupted."""
        if self.process is not None and machine.is_alive(self.process) is False:
            return "interrupted"
        return str(self.values["status"])


RUN_KEYS = (
    "id",
    "status",
    "experiment",
    "sweep",
    "kind",
    "started",
    "finished",
    "seconds",
    "version",
    "commit",
    "dirty",
    "host",
    "device",
    "images_per_second",
    "best_epoch",
    "split_hash",
    "dataset_fingerprint",
    "label_revision",
    "reproduces",
)
"""What can be asked for of a run beside its declaration, its numbers and its tags."""


def read(path: Path, run_id: str, sweep: str | None) -> Facts:
    """The facts of a run; of one that is damaged, what is wrong with it.

    Args:
        path: its directory.
        run_id: what it is called in lists.
        sweep: the directory's name of the sweep that it is of.
    """
    place = dict.fromkeys(RUN_KEYS) | {"id": run_id, "sweep": sweep}
    try:
        return _read(path, place)
    except SkinlabError as error:
        return Facts(place | {"status": DAMAGED}, error=str(error))
    except (AttributeError, KeyError, TypeError, ValueError, OSError) as error:
        return Facts(place | {"status": DAMAGED}, error=f"{path}: not as skinlab writes it ({error!r})")


def summary_of(path: Path) -> dict[str, Any]:
    """The content of a run's summary.json; nothing where it has none yet.

    Raises:
        OutputError: it cannot be read.
    """
    file = path / "summary.json"
    try:
        summary = files.json_object(file.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise OutputError(f"{file} cannot be read: {error}") from error
    return summary


def _read(path: Path, place: dict[str, Any]) -> Facts:
    record = Run.open(path).record
    summary = summary_of(path)
    numbers = _numbers(summary)
    given = notes.read(path)
    values = place | _of_record(record) | {"best_epoch": summary.get("best_epoch")}
    return Facts(
        values=values | flattened(record.get("config", {})) | {key: entry["value"] for key, entry in numbers.items()},
        choices=_choices(path / ".hydra" / "hydra.yaml"),
        intervals={key: [entry["low"], entry["high"]] for key, entry in numbers.items()},
        tags=given.tags,
        notes=[note.text for note in given.notes],
        error=record["error"],
        process=record["process"] if record["status"] == "running" else None,
    )


def _of_record(record: dict[str, Any]) -> dict[str, Any]:
    code, config = record.get("code", {}), record.get("config", {})
    return {
        "status": record["status"],
        "experiment": record.get("experiment", config.get("name")),
        "kind": record.get("kind", "reproduction" if "reproduces" in record else "train"),
        "started": record["started"],
        "finished": record["finished"],
        "seconds": record.get("timings", {}).get("total_s"),
        "version": code.get("version"),
        "commit": code.get("commit"),
        "dirty": code.get("dirty"),
        "host": record.get("machine", {}).get("host"),
        "device": record.get("engine", {}).get("device"),
        **{
            name: record.get(name)
            for name in ("images_per_second", "split_hash", "dataset_fingerprint", "label_revision", "reproduces")
        },
    }


def _numbers(summary: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Each final number with its interval, by subset and name."""
    return {
        f"{subset}.{name}": entry
        for subset in SUBSETS
        for name, entry in summary.get(subset, {}).get("metrics", {}).items()
    }


def _choices(hydra: Path) -> dict[str, str]:
    """The chosen file of each config group, as Hydra wrote it down; none where a run was not started by Hydra."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        content = yaml.load(hydra.read_bytes(), loader)  # noqa: S506 - both are safe loaders
    except FileNotFoundError:
        return {}
    except RecursionError as error:
        raise ValueError(f"{hydra.name} is nested too deeply") from error
    except yaml.YAMLError as error:
        raise ValueError(f"{hydra.name}: {str(error).splitlines()[0]}") from error
    chosen = content["hydra"]["runtime"]["choices"]
    return {group: name for group, name in chosen.items() if isinstance(name, str) and "/" not in group}
