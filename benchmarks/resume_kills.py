"""Nothing is lost: kill -9 at random moments of short trainings, resume, and compare with a run that was left alone.

Each trial starts the same declared run, kills it and its children at a moment drawn uniformly over the run,
resumes it and compares every result byte for byte. A kill that comes before the run directory exists has nothing to
resume and is drawn again. Prints a line a kill and one per engine; ends with status 1 if a result differs.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

DECLARED = (
    "experiment=debug",
    "training.epochs=3",
    "network.dropout=0.3",
    "optimizer.minibatch_size=8",
    "training.checkpoint_minutes=0.0001",
    "evaluation.bootstrap=100",
)
SAME = (
    "predictions.csv",
    "summary.json",
    "split.csv",
    "metrics.jsonl",
    "checkpoints/best.safetensors",
    "bundle/model.onnx",
)


def skinlab(*words: str) -> list[str]:
    return [sys.executable, "-m", "skinlab", *words]


def start(folder: Path, engine: str) -> subprocess.Popen[bytes]:
    """A training in a process group of its own, working in `folder`."""
    folder.mkdir(parents=True)
    command = skinlab("train", *DECLARED, f"engine={engine}")
    return subprocess.Popen(
        command, cwd=folder, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def run_directory(folder: Path) -> Path | None:
    """The run in `folder`, if it has come so far."""
    return next((path.parent for path in folder.glob("outputs/runs/*/*/run.json")), None)


def results(run: Path) -> dict[str, bytes]:
    return {name: (run / name).read_bytes() for name in SAME}


def killed_at(run: Path) -> str:
    """How far a killed run had come, in words."""
    if (run / "predictions.csv").exists():
        return "after training"
    lines = (run / "metrics.jsonl").read_text().count("\n") if (run / "metrics.jsonl").exists() else 0
    return f"in epoch {lines + 1}" if (run / "checkpoints").exists() else "before training"


def trial(folder: Path, engine: str, moment: float) -> tuple[str, Path] | None:
    """Kill a run at a moment, in seconds from its start, and resume it; None where there was no run yet, or no more."""
    process = start(folder, engine)
    time.sleep(moment)
    ended = process.poll() is not None
    os.killpg(process.pid, signal.SIGKILL) if not ended else None
    process.wait()
    run = run_directory(folder)
    if ended or run is None or json.loads((run / "run.json").read_text())["status"] == "finished":
        return None
    where = killed_at(run)
    subprocess.run(skinlab("resume", str(run)), check=True, stdout=subprocess.DEVNULL)
    return where, run


def measure(engine: str, kills: int, seed: int) -> bool:
    draw, seen, same, tried = random.Random(seed), Counter[str](), 0, 0  # noqa: S311 - moments, not secrets
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        if start(Path(folder) / "whole", engine).wait() != 0:
            sys.exit(f"skinlab train engine={engine} failed: run it by hand to see why")
        length = time.monotonic() - begun
        whole = run_directory(Path(folder) / "whole")
        assert whole is not None
        expected = results(whole)
        while sum(seen.values()) < kills:
            tried += 1
            done = trial(Path(folder) / f"{tried}", engine, draw.uniform(0, length))
            if done is None:
                continue
            where, run = done
            seen[where] += 1
            equal = results(run) == expected
            same += equal
            print(f"{engine} {sum(seen.values())}: killed {where}: {'same' if equal else 'other'} bytes", flush=True)
            shutil.rmtree(run.parents[3])
    stages = ", ".join(f"{count} {where}" for where, count in sorted(seen.items()))
    print(f"{engine}: {same} of {kills} killed runs ended in the same bytes ({stages})", flush=True)
    return same == kills


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--engines", nargs="+", default=["cntk", "torch"])
    options = parser.parse_args()
    done = [measure(engine, options.kills, options.seed) for engine in options.engines]
    sys.exit(0 if all(done) else 1)


if __name__ == "__main__":
    main()
