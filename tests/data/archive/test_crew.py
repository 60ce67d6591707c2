import threading

import pytest

from skinlab.data.archive.crew import Crew
from skinlab.transfer.pace import StoppedError


def test_every_task_gives_one_result():
    assert sorted(Crew(3, lambda n: n * n, lambda: None).run(range(50))) == [n * n for n in range(50)]


def test_tasks_are_taken_no_faster_than_they_are_done():
    taken = []
    gate = threading.Semaphore(0)

    def work(task):
        gate.acquire()
        return task

    def tasks():
        for number in range(100):
            taken.append(number)
            if len(taken) == 4:
                gate.release(1000)
            yield number

    results = Crew(2, work, lambda: None).run(tasks())
    next(results)
    assert len(taken) == 4
    results.close()


def test_an_error_of_the_work_ends_the_run_and_stops_the_others():
    stopped = threading.Event()

    def work(task):
        if task == 3:
            raise OSError("disk")
        if task > 3:
            stopped.wait(30)
            raise StoppedError
        return task

    with pytest.raises(OSError, match="disk"):
        list(Crew(2, work, stopped.set).run(range(100)))
    assert stopped.is_set()
