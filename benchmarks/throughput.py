"""Images/s of skinlab's engines, and of what else one could train with, in one run on one machine.

ResNet-18 and MobileNetV2 at 224 px, minibatch 16. Steps: the engine alone, given uint8 minibatches as the training loop
gives them, beside a bare loop of the same framework and precision on a minibatch in memory; skinlab predicts in
float32 always. Trainings: the whole of `skinlab train` on a folder of JPEG files (decoded cache, flip_crop), beside
timm's training script and lightning with torchvision on the same folder, with their defaults and two loader workers.

All take turns, so that a machine whose speed drifts favours none: figures are medians over the rounds, ratios are
taken within each round. Goals: 0.95 of the bare loop of the same engine and precision; 1.8 times timm's script where a
CPU has bf16. timm's script is `train.py` of the repository huggingface/pytorch-image-models (--timm-script PATH);
timm's package does not hold it, and without it _timm.py takes its place, which calls timm's functions with the script's
defaults. Lightning is a package; where it is missing it is left out, which is said.
"""

import argparse
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import cv2

from skinlab.data.phantoms import PhantomSpec
from skinlab.data.sources.synthetic import drawn
from skinlab.engines.cntk import cpu, runtime

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
REAL = HERE.resolve().parents[1] / "shared" / "data" / "isic2017"
NETWORKS = ("resnet18", "mobilenet_v2")
SIZE, MINIBATCH, LOADER_WORKERS = 224, 16, 2
CLASSES = ("benign", "malignant")
SHORT = {"rounds": 3, "steps": 4, "trainings": 1, "images": 96}
"""What takes about a quarter of an hour on two cores, for both networks."""
EPOCHS = 2
BF16 = ["engine=torch", "engine.precision=bf16"]
FP32 = ["engine=torch", "engine.precision=fp32"]
TIMM_RATE = re.compile(r"Train: (\d+) \[ *(\d+)/(\d+) .*?\(([\d.]+)s,")


class Loop:
    """A process that measures steps on demand; it is idle in between."""

    def __init__(self, command: list[str], environment: dict[str, str] | None = None) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True)
        self.measure("train", 2)  # the first steps choose algorithms
        self.measure("predict", 2)

    def measure(self, kind: str, steps: int) -> float:
        """Images/s of so many steps of training or prediction."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(kind, steps, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"{' '.join(map(str, self.process.args))} ended with status {self.process.wait()}")  # type: ignore[arg-type]
        return float(answer)

    def close(self) -> None:
        """End it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def loops(network: str) -> dict[str, Loop]:
    """All that take steps, each beside what it is compared with."""
    sizes = [network, str(SIZE), str(MINIBATCH)]
    ours, torch = [sys.executable, str(HERE / "_skinlab_engine.py")], [sys.executable, str(HERE / "_bare_torch.py")]
    found = runtime.require()
    cntk = [str(found.python), "-s", "-E", str(HERE / "_bare_cntk.py")]
    chosen, other = ("avx2", "default") if cpu.forces_avx2("auto") else ("default", "avx2")
    return {
        "skinlab cntk": Loop([*ours, *sizes, "engine=cntk"]),
        "bare CNTK": Loop([*cntk, *sizes], found.environment(mkl_cpu_type=chosen)),
        f"bare CNTK, MKL {other}": Loop([*cntk, *sizes], found.environment(mkl_cpu_type=other)),
        "skinlab torch fp32": Loop([*ours, *sizes, *FP32]),
        "bare torch fp32": Loop([*torch, *sizes, "fp32"]),
        "skinlab torch bf16": Loop([*ours, *sizes, *BF16]),
        "bare torch bf16": Loop([*torch, *sizes, "bf16"]),
    }


PAIRS = {
    "skinlab cntk": "bare CNTK",
    "skinlab torch fp32": "bare torch fp32",
    "skinlab torch bf16": "bare torch bf16",
    "skinlab train, torch bf16": "timm train.py",
    "skinlab train, torch fp32": "lightning + torchvision",
    "skinlab train, cntk": "",
}
"""What is divided by what, beside the goals."""


@dataclass
class Table:
    """Images/s by row and round."""

    rows: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def ratio(self, name: str, other: str) -> str:
        """One row over another, pair by pair."""
        if not self.rows.get(other):
            return ""
        ratios = [one / two for one, two in zip(self.rows[name], self.rows[other], strict=True)]
        return f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) of {other}"

    def show(self, title: str) -> None:
        """Print medians and ratios."""
        print(f"\n{title}\n{'':<28}{'images/s':>9}  ratio, round by round")
        for name, measured in self.rows.items():
            print(f"{name:<28}{median(measured):9.1f}  {self.ratio(name, PAIRS.get(name, ''))}".rstrip(), flush=True)


def steps(network: str, rounds: int, count: int) -> None:
    """Print the tables of the engines' steps."""
    started = loops(network)
    try:
        for kind in ("train", "predict"):
            table = Table()
            for _ in range(rounds):
                for name, loop in started.items():
                    if kind == "train" or name != "skinlab torch bf16":  # which predicts in float32
                        table.rows[name].append(loop.measure(kind, count))
            table.show(
                f"{network}, {'training' if kind == 'train' else 'prediction'}, {rounds} rounds of {count} steps"
            )
    finally:
        for loop in started.values():
            loop.close()


def jpegs(folder: Path, source: Path | None, images: int) -> str:
    """Make FOLDER/train and FOLDER/validation with one folder a class; labels are arbitrary. Says of what."""
    subsets = ["train"] * images + ["validation"] * 2 * MINIBATCH
    if source is None:
        spec = PhantomSpec(0, len(subsets), 256, malignant_fraction=0.5, difficulty=0.2, images_per_lesion=1.0)
        source = drawn(spec)
    files = sorted([*source.rglob("*.jpg"), *source.rglob("*.png")])
    if len(files) < len(subsets):
        sys.exit(f"{source} has {len(files)} images, {len(subsets)} are needed: lower --images")
    for place, (file, subset) in enumerate(zip(files, subsets, strict=False)):
        target = folder / subset / CLASSES[place % 2] / f"{file.stem}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix == ".jpg":
            target.symlink_to(file.resolve())
        else:
            cv2.imwrite(str(target), cv2.imread(str(file)))
    return source.name


def skinlab_train(folder: Path, network: str, overrides: list[str]) -> float:
    """images/s that run.json tells."""
    command = [sys.executable, "-m", "skinlab", "train", "dataset=folder", f"dataset.path={folder / 'train'}"]
    command += [f"network={network}", f"network.image_size={SIZE}", f"optimizer.minibatch_size={MINIBATCH}"]
    command += [f"training.epochs={EPOCHS}", "split.validation=0.05", "split.test=0.05", "audit.on_leak=warn"]
    command += [f"output_dir={folder}", "evaluation.bootstrap=100", *overrides]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    newest = max(folder.glob("runs/*/*/run.json"), key=lambda path: path.stat().st_mtime)
    return float(json.loads(newest.read_text())["images_per_second"])


def timm_train(folder: Path, network: str, script: Path) -> float:
    """images/s of its log: for each epoch, the mean time of a step, the wait for its data included."""
    name = {"mobilenet_v2": "mobilenetv2_100"}.get(network, network)
    command = [sys.executable, str(script), str(folder), "--model", name, "--num-classes", "2", "--device", "cpu"]
    command += ["-b", str(MINIBATCH), "-j", str(LOADER_WORKERS), "--epochs", str(EPOCHS), "--log-interval", "1"]
    command += ["--output", str(folder / "timm")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = {epoch: float(mean) for epoch, _, _, mean in TIMM_RATE.findall(done.stdout + done.stderr)}
    if done.returncode != 0 or len(seconds) < EPOCHS:
        sys.exit(f"{script} failed:\n{done.stderr[-2000:]}")
    return EPOCHS * MINIBATCH / sum(list(seconds.values())[:EPOCHS])


def other_train(script: str, folder: Path, network: str) -> float:
    """images/s that a script beside this one prints."""
    words = [network, SIZE, MINIBATCH, folder, EPOCHS, LOADER_WORKERS]
    command = [sys.executable, str(HERE / script), *map(str, words)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    return float(done.stdout.split()[-1])


def trainings(network: str, rounds: int, folder: Path, timm_script: Path | None) -> Table:
    """Whole trainings; the first, which fills the cache, is not counted."""
    contestants: dict[str, Callable[[], float]] = {
        "skinlab train, torch bf16": lambda: skinlab_train(folder, network, BF16)
    }
    contestants["timm train.py"] = lambda: (
        timm_train(folder, network, timm_script) if timm_script else other_train("_timm.py", folder, network)
    )
    contestants["skinlab train, torch fp32"] = lambda: skinlab_train(folder, network, FP32)
    if importlib.util.find_spec("lightning"):
        contestants["lightning + torchvision"] = lambda: other_train("_lightning.py", folder, network)
    contestants["skinlab train, cntk"] = lambda: skinlab_train(folder, network, ["engine=cntk"])
    skinlab_train(folder, network, BF16)
    table = Table()
    for _ in range(rounds):
        for name, measure in contestants.items():
            table.rows[name].append(measure())
    return table


def header(timm_script: Path | None) -> None:
    chosen = "avx2 (MKL_DEBUG_CPU_TYPE=5)" if cpu.forces_avx2("auto") else "default"
    print(f"{os.cpu_count()} CPUs, {cpu.vendor()}; torch {version('torch')}; {SIZE} px, minibatch {MINIBATCH}")
    print(f"MKL code path of CNTK on this CPU: {chosen}")
    if timm_script is None:
        print("timm train.py: what it does, by benchmarks/_timm.py; the script itself: --timm-script PATH")
    if not importlib.util.find_spec("lightning"):
        print("left out: lightning + torchvision (pip install lightning)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=NETWORKS)
    parser.add_argument("--rounds", type=int, default=5, help="of steps")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--trainings", type=int, default=3, help="rounds of whole trainings; 0: none")
    parser.add_argument("--images", type=int, default=160, help="training images of a whole training")
    parser.add_argument(
        "--source", type=Path, default=REAL if REAL.is_dir() else None, help="a folder of class folders"
    )
    parser.add_argument("--timm-script", type=Path)
    same = " ".join(f"--{key} {value}" for key, value in SHORT.items())
    parser.add_argument("--short", action="store_true", help=f"the same as {same}")
    options = parser.parse_args()
    if options.short:
        vars(options).update(SHORT)
    header(options.timm_script)
    for network in options.networks:
        steps(network, options.rounds, options.steps)
        if options.trainings:
            with tempfile.TemporaryDirectory() as folder:
                of = jpegs(Path(folder), options.source, options.images)
                table = trainings(network, options.trainings, Path(folder), options.timm_script)
            rounds = f"{options.trainings} rounds of {EPOCHS} epochs of about {options.images} images"
            table.show(f"{network}, whole trainings on JPEG files ({of}), {rounds}")


if __name__ == "__main__":
    main()
