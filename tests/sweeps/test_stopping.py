import os
import signal
import subprocess
import sys

import pytest

from skinlab import machine
from skinlab.sweeps import stopping
from tests.sweeps.sweep_builders import GONE, run_dir


def test_a_mark_is_read_where_it_was_left(tmp_path):
    assert stopping.requested(tmp_path) is None
    stopping.request(tmp_path, "after")
    assert stopping.requested(tmp_path) == "after"
    stopping.request(tmp_path, "now")
    assert stopping.requested(tmp_path) == "now"
    stopping.clear(tmp_path)
    assert stopping.requested(tmp_path) is None


def test_a_trial_ends_within_an_epoch_only_when_all_stop_now(tmp_path):
    watch = stopping.StopWatch(tmp_path)
    stopping.request(tmp_path, "after")
    watch.advanced(0, 1, 2)
    watch.epoch_ended([], 1.0)
    stopping.request(tmp_path, "now")
    with pytest.raises(KeyboardInterrupt):
        stopping.StopWatch(tmp_path).advanced(0, 1, 2)


def test_the_first_ctrl_c_leaves_a_mark_and_the_second_interrupts(tmp_path, capsys):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with stopping.polite(tmp_path, stopping.RunsOf()):
            os.kill(os.getpid(), signal.SIGINT)
            assert stopping.requested(tmp_path) == "after"
            with pytest.raises(KeyboardInterrupt):
                os.kill(os.getpid(), signal.SIGINT)
            assert stopping.requested(tmp_path) == "now"
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert "no more trials are begun" in capsys.readouterr().err


def test_a_polite_kill_stops_all_at_once(tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    with stopping.polite(tmp_path, stopping.RunsOf()), pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)
    assert stopping.requested(tmp_path) == "now"
    assert signal.getsignal(signal.SIGTERM) == before


def test_in_a_trials_process_ctrl_c_is_the_sweepers_business():
    with stopping.deaf_to_ctrl_c():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)


def test_trials_of_other_processes_are_told_to_end(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        identity = machine.process_identity() | {"pid": child.pid, "started": machine._start_ticks(child.pid)}
        run = run_dir(tmp_path / "0", "running", process=identity)
        gone = run_dir(tmp_path / "1", "running", process=GONE)
        stopping.stop_now(tmp_path, [run, gone, tmp_path / "2"])
        assert child.wait(timeout=60) == -signal.SIGTERM
    finally:
        child.kill()
        child.wait()
