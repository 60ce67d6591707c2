"""MLflow: one of its runs for each of ours, in a local SQLite store or on a tracking server. Azure ML speaks the same.

Global settings of mlflow are neither read nor changed (`MLFLOW_TRACKING_URI` too), so that data goes where the
declaration says and nowhere else.
"""

import json
import logging
import os
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinlab.data.locks import alone
from skinlab.run import Status
from skinlab.tracking.sink import Ending, Record, Subject, epoch_metrics

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun

SQLITE = "sqlite:///"
DATABASE = "mlflow.db"
ARTIFACTS = "mlartifacts"
DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
"""Stores that mlflow opens itself; it would keep their artifacts wherever the process happens to be started."""
LOCK = ".tracking.lock"
ID_TAG = "skinlab_id"
PARENT_TAG = "mlflow.parentRunId"
STATUSES: dict[Status, str] = {
    "running": "RUNNING",
    "finished": "FINISHED",
    "pruned": "FINISHED",  # as intended; the tag skinlab_status tells them apart
    "failed": "FAILED",
    "interrupted": "KILLED",
}
BATCH = 100
"""Parameters or tags in one request, and ten times as many numbers: MLflow's own limits."""
MOST_TRIALS = 5000
"""Of a sweep that are looked at; the most that mlflow gives at once."""
LONGEST_PARAMETER = 6000
LONGEST_NAME = 250
MANNERS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # what mlflow would tell its makers of its use
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",  # skinlab tries again itself, and knows when to stop
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # which belongs to the command, and may be JSON
}
"""Environment variables that mlflow reads, unless they are set."""


class Mlflow:
    """A sink.

    Args:
        subject: the run.
        uri: of the tracking store; None: a SQLite store in `output_dir`.
        experiment: its name there; made where there is none.
        output_dir: where a store lies that has no place of its own, and the artifacts of a database that is no file.
    """

    def __init__(self, subject: Subject, uri: str | None, experiment: str, output_dir: Path) -> None:
        for name, value in MANNERS.items():
            os.environ.setdefault(name, value)
        import mlflow.tracking  # noqa: F401 - seconds; not while another thread imports

        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.ERROR)
        self._subject = subject
        self._uri, self._artifacts = place(uri, output_dir)
        self._experiment = experiment
        self._client: Any = None
        self._experiment_id = ""
        self._run_id: str | None = None
        self._known: set[tuple[str, int]] = set()

    def begin(self) -> None:
        """Find this run where it was tracked before, make it where not, and tell what is declared."""
        from mlflow import MlflowClient

        if self._artifacts and self._uri.startswith(SQLITE):
            _make_store(Path(self._uri.removeprefix(SQLITE)), self._artifacts)
        self._client = MlflowClient(tracking_uri=self._uri)
        self._experiment_id = self._find_experiment()
        parent = self._parent()
        found = self._find(self._subject.id)
        run = found or self._create(self._subject.path.name, self._subject.id, parent)
        self._run_id = str(run.info.run_id)
        self._client.update_run(self._run_id, STATUSES["running"])
        self._known = self._steps(run) if found else set()
        self._log(params=_parameters(self._subject.declaration), tags=self._subject.tags)
        self._conclude_sweep(parent)

    def epochs(self, records: Sequence[Record]) -> None:
        """Send the epochs that the store does not have."""
        self._log_metrics([(record["epoch"], epoch_metrics(record)) for record in records])

    def end(self, ending: Ending) -> None:
        """Send the final numbers, the artifacts and the status."""
        self._log_metrics([(ending.epochs, ending.metrics)])
        self._log(tags={**ending.tags, "skinlab_status": ending.status, "skinlab_error": ending.error or ""})
        for file, folder in ending.artifacts:
            self._client.log_artifact(self._run_id, str(file), folder or None)
        self._client.set_terminated(self._run_id, STATUSES[ending.status])
        self._conclude_sweep(self._parent())

    def facts(self) -> dict[str, Any]:
        """Where the run is."""
        return {"uri": self._uri, "experiment": self._experiment, "run_id": self._run_id}

    # --- runs ------------------------------------------------------------------------------------------------------

    def _find_experiment(self) -> str:
        if found := self._client.get_experiment_by_name(self._experiment):
            return str(found.experiment_id)
        location = None if self._artifacts is None else self._artifacts.as_uri()
        return str(self._client.create_experiment(self._experiment, artifact_location=location))

    def _find(self, identity: str) -> "MlflowRun | None":
        found = self._client.search_runs([self._experiment_id], f"tags.{ID_TAG} = '{identity}'", max_results=1)
        return next(iter(found), None)

    def _create(self, name: str, identity: str, parent: str | None) -> "MlflowRun":
        tags = {ID_TAG: identity} | ({PARENT_TAG: parent} if parent else {})
        run: MlflowRun = self._client.create_run(self._experiment_id, run_name=name, tags=tags)
        return run

    def _parent(self) -> str | None:
        """The run that stands for the sweep; several trials may look for it at once."""
        sweep = self._subject.sweep
        if sweep is None:
            return None
        with alone(sweep.path / LOCK):
            run = self._find(sweep.id) or self._create(sweep.path.name, sweep.id, None)
        return str(run.info.run_id)

    def _conclude_sweep(self, parent: str | None) -> None:
        """Give the sweep's run the status that follows from its trials: running, killed, failed, else finished."""
        if parent is None or self._subject.sweep is None:
            return
        of_sweep = f"tags.`{PARENT_TAG}` = '{parent}'"
        with alone(self._subject.sweep.path / LOCK):  # two that end at once
            trials = self._client.search_runs([self._experiment_id], of_sweep, max_results=MOST_TRIALS)
            states = {trial.info.status for trial in trials}
            status = next((state for state in ("RUNNING", "KILLED", "FAILED") if state in states), "FINISHED")
            if status == "RUNNING":
                self._client.update_run(parent, status)
            else:
                self._client.set_terminated(parent, status)

    def _steps(self, run: "MlflowRun") -> set[tuple[str, int]]:
        """Name and step of every number that the store has of this run."""
        return {
            (name, metric.step)
            for name in run.data.metrics
            for metric in self._client.get_metric_history(run.info.run_id, name)
        }

    # --- values ----------------------------------------------------------------------------------------------------

    def _log_metrics(self, by_step: Sequence[tuple[int, Mapping[str, float]]]) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        new = [
            Metric(name, value, now, step)
            for step, metrics in by_step
            for name, value in metrics.items()
            if (name, step) not in self._known
        ]
        for part in _parts(new, 10 * BATCH):
            self._client.log_batch(self._run_id, metrics=part)
            self._known |= {(metric.key, metric.step) for metric in part}

    def _log(self, params: Mapping[str, str] | None = None, tags: Mapping[str, str] | None = None) -> None:
        from mlflow.entities import Param, RunTag

        for part in _parts([Param(*pair) for pair in (params or {}).items()], BATCH):
            self._client.log_batch(self._run_id, params=part)
        for part in _parts([RunTag(*pair) for pair in (tags or {}).items()], BATCH):
            self._client.log_batch(self._run_id, tags=part)


def _parts(values: Sequence[Any], longest: int) -> list[Sequence[Any]]:
    return [values[start : start + longest] for start in range(0, len(values), longest)]


def _parameters(declaration: Mapping[str, Any]) -> dict[str, str]:
    """Declared values as MLflow takes them: names without special characters, text of bounded length."""
    return {
        re.sub(r"[^\w./ -]", "_", name)[:LONGEST_NAME]: _text(value)[:LONGEST_PARAMETER]
        for name, value in declaration.items()
    }


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _make_store(file: Path, artifacts: Path) -> None:
    """Make a SQLite store where there is none; mlflow takes seconds and many steps for it, and may be killed.

    Args:
        file: the database.
        artifacts: the folder of artifacts, also of the experiment that mlflow makes in every store.
    """
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    with alone(file.with_name(f".{file.name}.lock")):
        if file.exists():
            return
        temporary = file.with_name(f".{file.name}.tmp")
        temporary.unlink(missing_ok=True)
        SqlAlchemyStore(f"{SQLITE}{temporary.absolute()}", artifacts.as_uri())  # type: ignore[no-untyped-call]
        temporary.replace(file)


def place(uri: str | None, output_dir: Path) -> tuple[str, Path | None]:
    """Where runs go and, where no server decides that, the folder of their artifacts: never that of the process.

    Args:
        uri: as declared; None: a SQLite store in `output_dir`.
        output_dir: as declared.

    Returns:
        The address, and a folder beside the database or, where that is no file, in `output_dir`; None: the server's.

    >>> place("http://127.0.0.1:5000", Path("outputs"))
    ('http://127.0.0.1:5000', None)
    """
    if uri is None:
        folder = output_dir.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        return f"{SQLITE}{folder / DATABASE}", folder / ARTIFACTS
    if uri.startswith(SQLITE):
        return uri, Path(uri.removeprefix(SQLITE)).absolute().parent / ARTIFACTS
    scheme = uri.partition("://")[0].partition("+")[0]
    return uri, output_dir.absolute() / ARTIFACTS if scheme in DATABASES else None
