"""`skinlab runs` over many runs: seconds of the whole command, without an index and with one.

Fabricates run directories from one real run: run.json, summary.json and .hydra are copied, with other ids, dates, seeds
and statuses. A fifth of them are runs of sweeps. "Cold" is with the index deleted, "warm" the median of five commands
after that; "10 changed" after ten runs were written to. Goal: 1,000 runs in 1 s, warm.
Run from the checkout: python benchmarks/runs_index.py [--runs 1000] [--run DIR].
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from skinlab.run import Run
from skinlab.runs import index

COPIED = (".hydra", "summary.json")
COMMAND = ("runs", "auc>=0", "status=finished,failed", "--sort", "auc", "--limit", "20")
REPEATS = 5


def real_run(folder: Path) -> Path:
    command = [sys.executable, "-m", "skinlab", "train", "experiment=debug", f"output_dir={folder}"]
    subprocess.run(command, check=True, capture_output=True)
    (path,) = (file.parent for file in folder.rglob("run.json"))
    return path


def fabricate(source: Path, output: Path, number: int) -> None:
    day, sweep = f"202611{number % 28 + 1:02}-{number:06}-{number:06x}", number % 5 == 0
    path = output / (f"sweeps/lr/{day}/0" if sweep else f"runs/e{number % 7}/{day}")
    record = json.loads((source / "run.json").read_text())
    record["config"] |= {"seed": number, "name": f"e{number % 7}"}
    record |= {"experiment": f"e{number % 7}", "started": f"2026-11-{number % 28 + 1:02}T10:00:00+00:00"}
    record["status"] = "failed" if number % 20 == 0 else "finished"
    path.mkdir(parents=True)
    (path / "run.json").write_text(json.dumps(record, indent=2))
    for name in COPIED:
        (shutil.copytree if (source / name).is_dir() else shutil.copy)(source / name, path / name)


def seconds(output: Path) -> float:
    clock = time.monotonic()
    command = [sys.executable, "-m", "skinlab", *COMMAND, "--output", str(output)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "20 of " in done.stdout, done.stdout + done.stderr
    return time.monotonic() - clock


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--run", type=Path, help="a finished run to copy; one is trained where none is named")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source, output = options.run or real_run(Path(folder) / "real"), Path(folder) / "outputs"
        for number in range(options.runs):
            fabricate(source, output, number)
        cold = seconds(output)
        warm = median(seconds(output) for _ in range(REPEATS))
        for path in sorted(output.glob("runs/*/*"))[:10]:
            Run.open(path).update(images_per_second=1.0)
        changed = seconds(output)
        size = (output / index.NAME).stat().st_size / 1e6
        started = time.monotonic()
        subprocess.run([sys.executable, "-m", "skinlab", "--version"], check=True, capture_output=True)
        nothing = time.monotonic() - started
    print(f"{options.runs} runs, index {size:.1f} MB; skinlab --version takes {nothing:.2f} s")
    print(f"cold        {cold:6.2f} s\nwarm        {warm:6.2f} s\n10 changed  {changed:6.2f} s")


if __name__ == "__main__":
    main()
