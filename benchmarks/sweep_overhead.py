"""What a sweep costs beside training: overhead a trial, two processes against one, and 27 heads on shared features.

`python benchmarks/sweep_overhead.py [IMAGES]`: IMAGES is a folder with one sub-folder of images a class (default: the
real images beside a checkout), for the sweep of 27 points on frozen ImageNet features of mobilenet_v2; the weights are
fetched where they are not there. Goals: 0.3 s a trial beyond training; 27 points in under twice the time of one, and 10
times faster than 27 commands, of which 3 are run. Each command is a process of its own; a cold one has an empty cache.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from skinlab import paths

ROOT = Path(__file__).resolve().parent.parent
TRIALS, POINTS, TYPED = 8, 27, 3
RATES = ",".join(str(0.01 * (number + 1)) for number in range(TRIALS))
TUNING = ("experiment=debug", "engine.threads=1", "training.loader_workers=0", f"optimizer.learning_rate={RATES}")
SPACE = {
    "optimizer.learning_rate": (0.003, 0.01, 0.03),
    "optimizer.minibatch_size": (16, 32, 64),
    "network.dropout": (0.2, 0.5, 0.8),
}
HEAD = ("network=mobilenet_v2", "network.weights=imagenet", "method=head")


def home(folder):
    """A new home with the runtimes and weights of the real one, and an empty cache."""
    folder.mkdir()
    for name in ("runtimes", "weights"):
        if (paths.home() / name).exists():
            (folder / name).symlink_to(paths.home() / name)
    return folder


def train(folder, cache, *words):
    """Seconds of a command, and run.json of each of its runs."""
    environment = os.environ | {paths.HOME_VARIABLE: str(cache), "PYTHONPATH": str(ROOT)}
    before = set(folder.rglob("run.json"))
    clock = time.monotonic()
    command = [sys.executable, "-m", "skinlab", "train", *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - clock
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    runs = sorted(set(folder.rglob("run.json")) - before, key=lambda run: (len(run.parent.name), run))
    return seconds, [json.loads(run.read_text()) for run in runs]


def overhead(folder, cache, engine):
    """Seconds of a warm trial beside its training: the median of all but the first."""
    seconds, runs = train(folder, cache, "-m", *TUNING, f"engine={engine}")
    beside = [run["timings"]["total_s"] - run["timings"]["training_s"] for run in runs[1:]]
    return seconds, statistics.median(beside)


def main():
    images = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT.parent / "shared" / "data" / "isic2017").resolve()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        cache = home(folder / "home")
        train(folder, cache, *TUNING[:-1])  # the phantoms are drawn
        for engine in ("cntk", "torch"):
            seconds, beside = overhead(folder, cache, engine)
            print(f"{engine:6}  {TRIALS} trials {seconds:7.1f} s; beside training {beside:.2f} s a trial (goal 0.3)")
        jobs = ("hydra/launcher=joblib", "engine=torch")
        one, two = (train(folder, cache, "-m", *TUNING, *jobs, f"hydra.launcher.n_jobs={n}")[0] for n in (1, 2))
        print(f"joblib  1 process {one:.1f} s, 2 processes {two:.1f} s on {len(os.sched_getaffinity(0))} cores")
        if not images.is_dir():
            sys.exit(f"no images in {images}: the sweep of {POINTS} heads is left out")
        for engine in ("torch", "cntk"):
            heads(folder, images, engine)


def heads(folder, images, engine):
    """The sweep against one trial, and against as many commands."""
    declared = (*HEAD, "dataset=folder", f"dataset.path={images}", f"engine={engine}", "engine.threads=1")
    first = {key: values[0] for key, values in SPACE.items()}
    one, _ = train(
        folder, home(folder / f"{engine}-one"), *declared, *(f"{key}={value}" for key, value in first.items())
    )
    swept = [f"{key}={','.join(map(str, values))}" for key, values in SPACE.items()]
    warm = home(folder / f"{engine}-sweep")
    whole, runs = train(folder, warm, "-m", *declared, *swept)
    pair = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    two, _ = train(folder, home(folder / f"{engine}-pair"), "-m", *declared, *swept, *pair)
    beside = statistics.median(run["timings"]["total_s"] - run["timings"]["training_s"] for run in runs[1:])
    training = statistics.median(run["timings"]["training_s"] for run in runs)
    typed = home(folder / f"{engine}-typed")
    single = [
        train(folder, typed, *declared, *(f"{key}={values[number]}" for key, values in SPACE.items()))[0]
        for number in range(TYPED)
    ]
    commands = single[0] + (POINTS - 1) * statistics.mean(single[1:])
    print(
        f"{engine:6}  {POINTS} heads {whole:.1f} s (training {training:.2f} s, beside it {beside:.2f} s a trial)\n"
        f"        one trial with features, cold: {one:.1f} s, ratio {whole / one:.2f} (goal < 2); "
        f"in 2 processes {two:.1f} s, ratio {two / one:.2f}\n"
        f"        {POINTS} commands {commands:.0f} s (extrapolated from {TYPED}; they share the cache): "
        f"{commands / whole:.1f} times the sweep (goal 10), {commands / two:.1f} times in 2 processes"
    )


if __name__ == "__main__":
    main()
