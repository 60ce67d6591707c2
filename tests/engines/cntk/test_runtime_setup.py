"""The real set-up, once: interrupted twice, resumed by two processes at once, then found ready."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from skinlab import paths
from skinlab.engines.cntk import interpreters, runtime
from skinlab.errors import SetupError

SETUP = "import sys; from skinlab.commands.setup import main; sys.exit(main(['cntk', '--variant', 'cpu']))"

Start = Callable[[], "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Starts `skinlab setup cntk` into an empty home."""
    try:
        runtime.check_platform()
    except SetupError as error:
        pytest.skip(str(error))
    if interpreters.search().found is None:
        pytest.skip("no CPython 3.6 on this machine, see `skinlab doctor`")
    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path / "home"))

    def popen() -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-c", SETUP], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    return popen


def kill_at(process: "subprocess.Popen[str]", word: str) -> None:
    """Kills it as soon as it says a line that starts with the word."""
    assert process.stdout is not None
    with process.stdout as lines:
        assert any(line.startswith(word) for line in lines), f"{word!r} was not said"
        process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.mark.slow
@pytest.mark.cntk
@pytest.mark.timeout(900)
def test_a_killed_set_up_resumes_and_two_at_once_make_one_runtime(start: Start, tmp_path: Path) -> None:
    runtimes = tmp_path / "home" / "runtimes"

    kill_at(start(), "fetching numpy")
    assert [path.name.partition("-")[0] for path in (runtimes / "downloads").glob("*.whl")] == ["cntk"]
    assert runtime.find() is None

    kill_at(start(), "installing")
    assert (runtimes / "cntk-2.7.post2-cpu.partial").exists()
    assert runtime.find() is None

    both = [start(), start()]
    said = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sorted("installing" in text for text in said) == [False, True]
    assert not any("fetching" in text for text in said), "what was fetched is kept"
    waited = next(text for text in said if "installing" not in text)
    assert "waiting for it" in waited
    assert all("the CNTK runtime is ready" in text for text in said)

    ready = runtime.require()
    again = start()
    assert "installing" not in again.communicate()[0]
    assert runtime.require() == ready
    assert not list(runtimes.glob("*.partial"))

    losses = ready.info["smoke_test"]["losses"]
    assert losses[-1] < losses[0] / 2
    assert ready.info["smoke_test"]["devices"]

    question = (
        "import json, numpy, scipy, sys; print(json.dumps([sys.version_info[:2], numpy.__version__, sys.prefix]))"
    )
    told = subprocess.run(
        [ready.python, "-c", question], env=ready.environment(threads=1), capture_output=True, text=True, check=True
    )
    version, numpy_version, prefix = json.loads(told.stdout)
    assert version == [3, 6]
    assert numpy_version == ready.packages()["numpy"]
    assert os.path.samefile(prefix, ready.root / "venv")  # noqa: PTH121 - two texts
