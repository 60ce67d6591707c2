"""The declared sinks of a run: told of epochs and of the end, and reported on in run.json."""

import json
import logging
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from skinlab import files, schema
from skinlab.config import to_dict
from skinlab.config.differences import flattened
from skinlab.data.locks import alone
from skinlab.errors import OutputError
from skinlab.run import Run, Status, ending_of
from skinlab.tracking import mlflow, sink
from skinlab.tracking.delivery import Delivery, one_line
from skinlab.tracking.tensorboard import TensorBoard

log = logging.getLogger(__name__)

SWEEP_FILES = ("multirun.yaml", "sweep.json")
"""One of them lies in a sweep's directory from its start: Hydra's own sweeper writes the first."""
SWEEP_ID = ".tracking.json"
INTERRUPTED_WAIT = 10.0
"""Who presses Ctrl-C waits no longer than this for a sink, in seconds."""
KEPT = ("summary.json", "report.html")
TOLD = ("dataset_fingerprint", "split_hash", "label_revision")
"""Facts of run.json that become tags when they are known."""


class Tracker:
    """An observer of the training loop that passes its record on.

    Args:
        run: owned by this process.
        deliveries: a sink each.
        failed: what the sinks report that could not even be made, by name.
        wait: seconds that the end waits for each sink.
        bundled: names of the sinks that get the bundle.
    """

    def __init__(
        self,
        run: Run,
        deliveries: Sequence[Delivery],
        failed: dict[str, dict[str, Any]],
        wait: float,
        bundled: Sequence[str],
    ) -> None:
        self._run = run
        self._deliveries = deliveries
        self._failed = failed
        self._wait = wait
        self._bundled = bundled

    def advanced(self, epoch: int, images: int, of: int) -> None:
        """Nothing is sent within an epoch."""

    def epoch_ended(self, records: list[sink.Record], seconds: float) -> None:
        """Pass the records of all epochs on; says what is wrong with a sink, once."""
        for delivery in self._deliveries:
            delivery.epochs(records)
        self._tell()

    def end(self, status: Status, error: str | None) -> None:
        """Tell how the run ended, and wait for the sinks."""
        wait = self._wait if status != "interrupted" else min(self._wait, INTERRUPTED_WAIT)
        records = _records(self._run.path)
        for delivery in self._deliveries:
            delivery.epochs(records)  # a resumed run may have had its last epoch before
            delivery.end(self._ending(status, error, bundle=delivery.name in self._bundled), wait)
        self._tell()

    def _tell(self) -> None:
        for delivery in self._deliveries:
            if line := delivery.news():
                log.warning("tracking: %s: %s; the run goes on without it", delivery.name, line)
        reports = self._failed | {delivery.name: delivery.report() for delivery in self._deliveries}
        known = self._run.record.get("tracking", {})
        if reports and known != known | reports:
            self._run.update(tracking=known | reports)

    def _ending(self, status: Status, error: str | None, *, bundle: bool) -> sink.Ending:
        facts = self._run.record
        tags = {f"skinlab_{name}": str(facts[name]) for name in TOLD if facts.get(name)}
        if status != "finished":
            return sink.Ending(status, error, tags=tags)
        summary = json.loads((self._run.path / "summary.json").read_text())
        return sink.Ending(
            status,
            None,
            summary["epochs"],
            sink.final_metrics(summary),
            tags,
            _artifacts(self._run.path, bundle=bundle),
        )


@contextmanager
def follow(config: schema.Config, run: Run, note: str) -> Iterator[Tracker]:
    """The declared sinks of a run, told how it ended when the block ends, however it does.

    Args:
        config: the declaration, which the sinks are told too.
        run: owned by this process.
        note: what a reader of the numbers must know.
    """
    tracker = _tracker(config, run, note)
    try:
        yield tracker
    except BaseException as error:
        with suppress(OutputError):  # of a full disk: what ended the run is told, not this
            tracker.end(*ending_of(error))
        raise
    tracker.end("finished", None)


def _tracker(config: schema.Config, run: Run, note: str) -> Tracker:
    tracking, makers = config.tracking, _makers(config.tracking, _output(run.path, Path(config.output_dir)))
    if not makers:
        return Tracker(run, [], {}, tracking.wait, [])
    subject = _subject(config, run, note)
    deliveries, failed = [], {}
    for name, make in makers.items():
        try:
            deliveries.append(Delivery(name, make(subject)))
        except Exception as error:  # noqa: BLE001 - whatever a sink's library raises when it is loaded
            failed[name] = {"status": "failed", "error": one_line(error)}
            log.warning("tracking: %s: %s; the run goes on without it", name, failed[name]["error"])
    declared = {"mlflow": tracking.mlflow, "azureml": tracking.azureml}
    bundled = [name for name, settings in declared.items() if settings and settings.bundle]
    return Tracker(run, deliveries, failed, tracking.wait, bundled)


def _output(run: Path, declared: Path) -> Path:
    """The declared output folder; of a run that is resumed from elsewhere it is where the run lies.

    >>> _output(Path("/work/outputs/runs/debug/1"), Path("outputs"))
    PosixPath('/work/outputs')
    """
    parts = declared.parts
    return next((folder for folder in run.absolute().parents if folder.parts[-len(parts) :] == parts), declared)


def _makers(tracking: schema.Tracking, output_dir: Path) -> dict[str, Callable[[sink.Subject], sink.Sink]]:
    """What makes each declared sink."""
    makers: dict[str, Callable[[sink.Subject], sink.Sink]] = {}
    if tracking.tensorboard:
        makers["tensorboard"] = lambda subject: TensorBoard(subject.path)
    if (declared := tracking.mlflow) is not None:
        makers["mlflow"] = lambda subject: mlflow.Mlflow(subject, declared.uri, declared.experiment, output_dir)
    if (workspace := tracking.azureml) is not None:
        makers["azureml"] = lambda subject: mlflow.Mlflow(subject, workspace.uri, workspace.experiment, output_dir)
    return makers


def _subject(config: schema.Config, run: Run, note: str) -> sink.Subject:
    """The run as sinks know it; its id is drawn once and kept in run.json."""
    known = run.record.get("tracking", {})
    if "id" not in known:
        run.update(tracking={"id": uuid.uuid4().hex, **known})
    facts = run.record
    tags = {
        "skinlab_path": str(run.path.absolute()),
        "skinlab_command": facts.get("command") or "",
        "mlflow.source.git.commit": facts["code"]["commit"] or "",
        "mlflow.note.content": note,
    }
    return sink.Subject(
        id=facts["tracking"]["id"],
        path=run.path,
        declaration=flattened(to_dict(config)),
        tags={name: text for name, text in tags.items() if text},
        sweep=_sweep(run.path.parent),
    )


def _sweep(folder: Path) -> sink.Sweep | None:
    """The sweep whose directory this is; its id is drawn by the first of its trials."""
    if not any((folder / name).exists() for name in SWEEP_FILES):
        return None
    file = folder / SWEEP_ID
    with alone(folder / mlflow.LOCK):
        if not file.exists():
            files.write_json(file, {"id": uuid.uuid4().hex})
    return sink.Sweep(json.loads(file.read_text())["id"], folder)


def _records(run: Path) -> list[sink.Record]:
    """The lines of metrics.jsonl; none where a run has no epochs, or not yet."""
    file = run / "metrics.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def _artifacts(run: Path, *, bundle: bool) -> list[tuple[Path, str]]:
    """Files of a finished run, with their folders."""
    found = [(run / name, "") for name in KEPT]
    found += [(file, "plots") for file in sorted((run / "plots").glob("*"))]  # trials of a sweep have none
    if bundle:
        found += [(file, "bundle") for file in sorted((run / "bundle").iterdir())]
    return found
