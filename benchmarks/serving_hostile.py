"""Ten thousand requests that nobody should send: what they are answered, by kind. Goal: no 5xx, no crash, no hang.

Truncated and changed images, forms and JSON, decompression bombs, wrong types, bad keys, tricks with paths and frames,
too large bodies, and senders that stop in the middle, eight at a time, to a local service with its usual limits but
for a shorter patience; a tenth as many more are drawn by schemathesis from the service's own description, which must
name each answer. Afterwards a good request must be answered as before, by the same processes.
"""

import argparse
import os
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from skinlab import paths
from skinlab.config import compose
from skinlab.deployment.base import Request
from skinlab.deployment.local import LocalTarget
from skinlab.serving import loading
from tests.deployment.services import children, key_of, port_of, post
from tests.serving.bundles import write_replayed
from tests.serving.http import described
from tests.serving.http.hostile import Answered, drawn, send

OPERATIONS = 4
"""That the description names."""
LIMITS = ("deployment.request_seconds=3", "deployment.drain_seconds=2")


def table(answers: list[Answered]) -> None:
    print(f"{'kind':<16} {'requests':>8} {'slowest s':>9}  statuses (0: closed without one)")
    for kind in sorted({answer.kind for answer in answers}):
        of_kind = [answer for answer in answers if answer.kind == kind]
        statuses = ", ".join(
            f"{count} x {status}" for status, count in Counter(one.status for one in of_kind).most_common()
        )
        print(f"{kind:<16} {len(of_kind):>8} {max(one.seconds for one in of_kind):>9.2f}  {statuses}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ[paths.HOME_VARIABLE] = str(Path(folder) / "home")
        bundle = loading.load(write_replayed(Path(folder) / "bundle"))
        target = LocalTarget()
        made = target.deploy(
            Request("hostile", compose(LIMITS).config.deployment, bundle, bundle.path, None), lambda _: None
        )
        before, workers = post(made), children(made.state["process"]["pid"])
        began = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            requests = drawn(options.seed, options.requests, key_of(made))
            answers = list(pool.map(lambda request: send(port_of(made), *request), requests))
        drawn_from_description = described.asked(made.address, key_of(made), options.requests // 10 // OPERATIONS)
        seconds = time.monotonic() - began
        after, same = post(made), children(made.state["process"]["pid"]) == workers
        mistakes = target.logs(made, 100_000).count("a mistake in skinlab")
        target.delete(made, lambda _: None)
    table(answers)
    said = ", ".join(f"{count} x {status}" for status, count in drawn_from_description.most_common())
    print(f"{'described':<16} {drawn_from_description.total():>8} {'':>9}  {said}")
    bad = sum(answer.status >= 500 for answer in answers)
    bad += sum(count for status, count in drawn_from_description.items() if status >= 500)
    total = len(answers) + drawn_from_description.total()
    print(
        f"{total} requests in {seconds:.0f} s: {bad} x 5xx, {mistakes} mistakes in the log, slowest "
        f"{max(answer.seconds for answer in answers):.1f} s; afterwards a good request: {after[0]}, as before: "
        f"{after[0] == before[0]}, the same processes: {same}"
    )


if __name__ == "__main__":
    main()
