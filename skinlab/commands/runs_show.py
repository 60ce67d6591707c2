"""`skinlab runs show RUN`: what a run is and what came of it, on one screen."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinlab.commands.arguments import Parser
from skinlab.commands.runs import HELP
from skinlab.errors import ConfigError
from skinlab.report.words import counted

if TYPE_CHECKING:
    from skinlab.run import Run
    from skinlab.runs.notes import Notes

_SHORT = 12


def main(_verb: str, argv: list[str]) -> int:
    """Run the command.

    Returns:
        0.

    Raises:
        SkinlabError: wrong arguments, no such run, or a file of it cannot be read.
    """
    parser = Parser("runs show")
    parser.add_argument("run", nargs="?")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--output", type=Path)
    options = parser.parse_intermixed_args(argv)
    if options.help:
        sys.stdout.write(HELP)
        return 0
    if options.run is None:
        raise ConfigError("name a run: skinlab runs show RUN")
    from dataclasses import asdict

    from skinlab import files
    from skinlab.run import Run
    from skinlab.runs import notes
    from skinlab.runs.facts import summary_of
    from skinlab.runs.naming import resolve

    run = Run.open(resolve(options.run, options.output))
    summary, given = summary_of(run.path), notes.read(run.path)
    if options.json:
        record = run.record | {"status": run.status}
        sys.stdout.write(files.json_text({"path": str(run.path), "run": record, "summary": summary, **asdict(given)}))
        return 0
    with files.as_written(run.path):
        sys.stdout.write(_text(run, summary, given))
    return 0


def _text(run: "Run", summary: dict[str, Any], given: "Notes") -> str:
    from skinlab.evaluation.tables import format_table

    rows = [*_of_run(run), *_of_people(given)]
    width = max(len(name) for name, _ in rows)
    text = "".join(f"{name:<{width}}  {value}\n" for name, value in rows if value)
    if summary:
        text += "".join(f"\n{format_table(summary[subset], subset)}\n" for subset in ("validation", "test"))
        text += f"Note: {summary['note']}.\n" if summary["note"] else ""
    return text


def _of_run(run: "Run") -> Iterator[tuple[str, str]]:
    record = run.record
    code, machine, engine = (record.get(name, {}) for name in ("code", "machine", "engine"))
    commit = (code.get("commit") or "")[:_SHORT]
    seconds = record.get("timings", {}).get("total_s")
    yield "run", str(run.path)
    yield "experiment", str(record.get("experiment", ""))
    yield "status", run.status + (f": {record['error']}" if record["error"] else "")
    yield "reproduces", record.get("reproduces", "")
    yield "started", record["started"]
    yield "seconds", "" if seconds is None else f"{seconds:.0f}"
    yield "command", record.get("command", "")
    yield (
        "code",
        " ".join(filter(None, [code.get("version"), commit, "with changed files" if code.get("dirty") else ""])),
    )
    yield "engine", ", ".join(f"{name} {value}" for name, value in engine.items() if value is not None)
    yield "machine", ", ".join(f"{machine[name]}" for name in ("host", "cpu", "system") if name in machine)
    yield "data", _hash("fingerprint", record.get("dataset_fingerprint"))
    yield "split", _hash("hash", record.get("split_hash"))
    yield "labels", _hash("revision", record.get("label_revision"))
    yield "weights", str(record.get("weights", {}).get("file") or "")
    if looks := record.get("test_looks"):
        yield "test looks", f"{looks['looks']} by {counted(looks['runs'], 'run')} when it was scored"


def _hash(name: str, value: str | None) -> str:
    return f"{name} {value[:_SHORT]}" if value else ""


def _of_people(given: "Notes") -> Iterator[tuple[str, str]]:
    yield "tags", ", ".join(given.tags)
    for note in given.notes:
        yield "note", f"{note.time[:10]} {note.text}"
