"""The pages of runs and results over HTTP: seconds and kilobytes of each, with many runs and with many test images.

Runs and predictions are made up (nothing is trained, and there are no pictures but drawn phantoms). "First" reads the
files, "again" is the median of five more. Goals: the table of 1,000 runs in 0.5 s; no page of 10,000 test images above
1 MB. Run from the checkout: PYTHONPATH=. python benchmarks/pages_runs.py [--runs 1000] [--images 10000].
"""

import argparse
import os
import shutil
import tempfile
import time
from pathlib import Path
from statistics import median

from tests.comparison.run_builders import Made, finished
from tests.runs.run_builders import make_run

REPEATS = 5
ONE, OTHER = "runs/large/one", "runs/large/other"


def fabricate(output: Path, runs: int, images: int) -> None:
    first = make_run(output / "runs" / "many" / "20261101-000000-000000")
    for number in range(1, runs):
        shutil.copytree(first, first.with_name(f"20261101-000000-{number:06x}"))
    for place, name in enumerate((ONE, OTHER)):
        finished(output / name, f"network.dropout=0.{place + 1}", made=Made(draw=place, images=images))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--images", type=int, default=10_000)
    options = parser.parse_args()
    from starlette.testclient import TestClient

    from skinlab.web.app import create
    from skinlab.web.workplace import Workplace

    with tempfile.TemporaryDirectory() as folder:
        os.environ["SKINLAB_HOME"] = f"{folder}/home"
        output = Path(folder) / "outputs"
        fabricate(output, options.runs, options.images)
        addresses = {
            f"table of {options.runs} runs": "/runs",
            "  sorted and filtered": "/runs?q=auc>0.1&sort=auc",
            f"results of {options.images} images": f"/results?run={ONE}",
            "  the wrong ones, page 3": f"/results/images?run={ONE}&answers=wrong&page=3",
            "  at another threshold": f"/results/images?run={ONE}&answers=wrong&threshold=0.4",
            "  one image": f"/results/image?run={ONE}&row=5",
            "comparison of two of them": f"/runs/compare?run={ONE}&run={OTHER}",
        }
        with TestClient(create(Workplace(output))) as client:
            print(f"{'page':<32}{'first':>9}{'again':>9}{'size':>10}")
            for name, address in addresses.items():
                times, size = [], 0
                for _ in range(1 + REPEATS):
                    clock = time.monotonic()
                    answer = client.get(address)
                    times.append(time.monotonic() - clock)
                    assert answer.status_code == 200, answer.text
                    size = len(answer.content)
                print(f"{name:<32}{times[0]:>7.2f} s{median(times[1:]):>7.3f} s{size / 1e3:>7.0f} kB")


if __name__ == "__main__":
    main()
