"""What becomes of images by format, depth, colours and byte order, and of damaged ones. Goal: nothing is wrong.

Each image's pixels are known by construction. A cell is how many of its images are right, refused by name, or wrong.
Then so many damaged images of every format are decoded in a process of their own, where a crash, another exception
than the one that is declared, or anything on stderr shows. `--short` is what the tests run.
"""

import argparse
import subprocess
import sys
from collections import Counter

from tests.data.decoding_cases import REFUSED, RIGHT, WRONG, cases, outcome

DAMAGED, DAMAGED_SHORT = 5_000, 400


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--damaged", type=int, help=f"how many; {DAMAGED} where it is not said")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    cells: dict[tuple[str, str, int], Counter[str]] = {}
    for case in cases():
        cells.setdefault((case.format, case.colours, case.bits), Counter())[outcome(case)] += 1
    print(f"{'format':<9} {'colours':<14} {'bits':>4} {RIGHT:>6} {REFUSED:>8} {WRONG:>6}")
    for (name, colours, bits), ends in cells.items():
        print(f"{name:<9} {colours:<14} {bits:>4} {ends[RIGHT]:>6} {ends[REFUSED]:>8} {ends[WRONG]:>6}")
    total = sum(cells.values(), Counter[str]())
    print(f"{total.total()} images: {total[RIGHT]} right, {total[REFUSED]} refused, {total[WRONG]} wrong")
    count = options.damaged or (DAMAGED_SHORT if options.short else DAMAGED)
    words = [sys.executable, "-X", "faulthandler", "-W", "error", "-m", "tests.data.mutated_images"]
    done = subprocess.run([*words, str(count), str(options.seed)], capture_output=True, text=True, check=False)
    print(
        f"{count} damaged images: exit status {done.returncode}, {len(done.stderr)} characters on stderr; {done.stdout}"
    )


if __name__ == "__main__":
    main()
