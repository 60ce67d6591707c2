import os
import subprocess
import sys
import threading

import pytest

from skinlab import processors

pytestmark = pytest.mark.skipif(len(processors.usable()) < 2, reason="needs two processors")


def test_all_threads_and_later_children_are_confined() -> None:
    everywhere, done, seen = processors.usable(), threading.Event(), []
    chosen = max(everywhere)

    def work() -> None:
        done.wait()
        seen.append(os.sched_getaffinity(0))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        processors.confine([chosen])
        done.set()
        thread.join()
        tell = "import os; print(os.sched_getaffinity(0))"
        child = subprocess.run([sys.executable, "-c", tell], capture_output=True, text=True, check=True)
    finally:
        processors.confine(everywhere)
    assert seen == [{chosen}]
    assert child.stdout == f"{ {chosen} }\n"
    assert processors.usable() == everywhere


def test_a_process_that_ended_is_not_an_error() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    processors.confine(processors.usable(), ended.pid)
