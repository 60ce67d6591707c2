"""How long `skinlab compare --top 20` takes among 1,000 runs: copies of a finished run with other predictions.

    python benchmarks/comparison_speed.py RUN [RUNS]

The copies have a seed and a learning rate of their own, lie in a temporary folder and are deleted in the end.
"""

import csv
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

RUNS = 1000
NEEDED = ("split.csv",)


def perturbed(predictions, generator):
    """predictions.csv of two classes with some noise on the logits."""
    rows = list(csv.reader(io.StringIO(predictions)))
    chances = np.clip(np.array([float(row[-1]) for row in rows[1:]]), 1e-6, 1 - 1e-6)
    logits = np.log(chances / (1 - chances)) + generator.normal(scale=0.5, size=len(chances))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(rows[0])
    for row, chance in zip(rows[1:], 1 / (1 + np.exp(-logits)), strict=True):
        writer.writerow([*row[:-2], repr(float(1 - chance)), repr(float(chance))])
    return text.getvalue()


def copy(source, target, number):
    generator = np.random.default_rng(number)
    target.mkdir(parents=True)
    record, summary = (json.loads((source / name).read_text()) for name in ("run.json", "summary.json"))
    record["config"]["optimizer"]["learning_rate"] = 0.001 + number * 1e-6
    for subset in ("validation", "test"):
        summary[subset]["metrics"]["auc"]["value"] = float(generator.uniform(0.6, 0.9))
    (target / "run.json").write_text(json.dumps(record, indent=2))
    (target / "summary.json").write_text(json.dumps(summary, indent=2))
    for name in NEEDED:
        (target / name).write_bytes((source / name).read_bytes())
    (target / "predictions.csv").write_text(perturbed((source / "predictions.csv").read_text(), generator))


def processor_seconds():
    """What the commands have taken so far, however busy the machine is."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main():
    source, runs = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else RUNS
    with tempfile.TemporaryDirectory() as folder:
        for number in range(runs):
            copy(source, Path(folder) / str(number), number)
        print(f"{runs} runs; seconds of the whole command, three times")
        for options in (("--top", "20"), ("--top", "20", "--metric", "accuracy"), ("--top", "20", "--metric", "brier")):
            took, worked = [], processor_seconds()
            for _ in range(3):
                clock = time.perf_counter()
                words = [sys.executable, "-m", "skinlab", "compare", folder, *options, "--json"]
                done = subprocess.run(words, capture_output=True, check=True)
                took.append(time.perf_counter() - clock)
            pairs = len(json.loads(done.stdout)["pairs"])
            said = f"  {' '.join(options):<30} {pairs} pairs: {'  '.join(f'{seconds:.2f}' for seconds in took)}"
            print(f"{said}; of the processor {(processor_seconds() - worked) / len(took):.2f} each")


if __name__ == "__main__":
    main()
