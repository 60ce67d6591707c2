"""What skinlab costs on top of CNTK, and what the MKL setting brings on this CPU.

Images/s of `skinlab train` (decoded cache, augmentation, worker process, shared memory) over images/s of a bare CNTK
loop with the same network on random minibatches in memory; ResNet-18 at 224 px, minibatch 16. The two take turns, so
that a machine whose speed drifts does not favour one. Both count their first, slower step. Goal: at least 0.95.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from skinlab.engines.cntk import cpu, runtime

SIZE, MINIBATCH = 224, 16
IMAGES, EPOCH_STEPS = 200, 10


def bare(steps: int, mkl: str) -> float:
    found = runtime.require()
    script = Path(__file__).with_name("_bare_cntk.py")
    command = [str(found.python), "-s", "-E", str(script), str(SIZE), str(MINIBATCH), str(steps)]
    environment = found.environment(mkl_cpu_type=mkl)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def train(folder: Path, steps: int) -> float:
    overrides = [
        f"output_dir={folder}",
        f"dataset.images={IMAGES}",
        f"dataset.draw_size={SIZE}",
        "dataset.images_per_lesion=1",
        f"network.image_size={SIZE}",
        f"optimizer.minibatch_size={MINIBATCH}",
        f"training.epochs={steps // EPOCH_STEPS}",
        "split.validation=0.1",
        "split.test=0.1",
    ]
    subprocess.run([sys.executable, "-m", "skinlab", "train", *overrides], stdout=subprocess.DEVNULL, check=True)
    newest = max(folder.glob("runs/*/*/run.json"), key=lambda path: path.stat().st_mtime)
    record = json.loads(newest.read_text())
    return float(record["images_per_second"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=20, help=f"a multiple of {EPOCH_STEPS}")
    options = parser.parse_args()
    rounds, steps = options.rounds, options.steps
    with tempfile.TemporaryDirectory() as folder:
        rows = [(train(Path(folder), steps), bare(steps, "auto")) for _ in range(rounds)]
    others = [(bare(steps, "default"), bare(steps, "avx2")) for _ in range(rounds)]
    ratios = [skinlab / loop for skinlab, loop in rows]
    print(f"ResNet-18, {SIZE} px, minibatch {MINIBATCH}, {steps} steps, {rounds} rounds; images/s, medians")
    print(f"{'skinlab train':<34}{median(row[0] for row in rows):8.2f}")
    print(f"{'bare CNTK loop':<34}{median(row[1] for row in rows):8.2f}")
    print(f"{'ratio, pair by pair':<34}{median(ratios):8.3f}  ({min(ratios):.3f} to {max(ratios):.3f})")
    chosen = "AVX2" if cpu.forces_avx2("auto") else "default"
    print(f"MKL code path, bare loop (auto chooses {chosen} on this CPU)")
    print(f"{'  default':<34}{median(pair[0] for pair in others):8.2f}")
    print(f"{'  MKL_DEBUG_CPU_TYPE=5 (AVX2)':<34}{median(pair[1] for pair in others):8.2f}")


if __name__ == "__main__":
    main()
