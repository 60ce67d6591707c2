"""Checkpoints of a stranger: arrays of this network and optimizer, or one line."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from skinlab import paths
from skinlab.engines.base import Plan
from skinlab.engines.cntk import runtime
from skinlab.engines.cntk.client import CONTAINER, STATE, CntkEngine
from skinlab.errors import EngineError, OutputError
from skinlab.networks import weights
from skinlab.training.checkpoint import Checkpoints
from tests.engines.cntk.small import ENGINE, batch, linear_network
from tests.engines.cntk.test_optimizers import DECLARED
from tests.hostile.audit import Watch

ROOT = Path(__file__).resolve().parents[2]
CONTAINER_WITH_A_PROGRAM = """
import sys
sys.path.insert(0, {worker!r})
from worker import import_cntk
cntk = import_cntk()
from cntk.ops.functions import UserFunction

class Mine(UserFunction):
    def __init__(self, x, name="f"):
        super(Mine, self).__init__([x], name=name)
    def infer_outputs(self):
        return [cntk.output_variable(self.inputs[0].shape, self.inputs[0].dtype, self.inputs[0].dynamic_axes)]
    def forward(self, x, *_, **__):
        return None, x
    def backward(self, _, gradient):
        return gradient
    def serialize(self):
        return {{}}

Mine.__name__ = "path\\nopen({marker!r}, 'w')\\n#"
Mine.__module__ = "os"
model = cntk.user_function(Mine(cntk.input_variable(2)))
model.save({path!r})
try:
    cntk.load_model({path!r})
except Exception as error:
    print("refused", type(error).__name__, str(error).split("\\n")[0])
"""


def in_runtime(program: str) -> str:
    found = runtime.require()
    environment = found.environment(threads=1, mkl_cpu_type="auto")
    done = subprocess.run([found.python, "-c", program], env=environment, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.cntk
def test_cntk_runs_no_user_function_that_a_model_names(
    cntk_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(paths.HOME_VARIABLE, str(cntk_home))
    worker = str(ROOT / "skinlab" / "engines" / "cntk" / "worker")
    marker, path = tmp_path / "pwned", tmp_path / "model"
    told = in_runtime(CONTAINER_WITH_A_PROGRAM.format(worker=worker, marker=str(marker), path=str(path)))
    assert path.exists()
    assert "refused" in told
    assert not marker.exists()


@pytest.fixture
def trained(cntk_home: Path, monkeypatch: pytest.MonkeyPatch) -> CntkEngine:
    """An engine after a step of momentum SGD."""
    monkeypatch.setenv(paths.HOME_VARIABLE, str(cntk_home))
    network = linear_network(4)
    with CntkEngine(ENGINE, seed=1) as engine:
        engine.build(
            Plan(network, DECLARED["momentum_sgd"], np.full(3, 0.1), 4, frozenset()), weights.initial(network, 1)
        )
        engine.train_step(batch(4, 4, features=3), 0)
        yield engine


@pytest.mark.cntk
def test_a_checkpoint_in_cntks_own_container_is_refused_by_name(trained: CntkEngine, tmp_path: Path) -> None:
    (tmp_path / CONTAINER).write_bytes(b"anything")
    with pytest.raises(EngineError, match="in CNTK's own format, which can hold programs and is not read any more"):
        trained.load(tmp_path)


def with_header(change: Callable[[dict], object]) -> Callable[[bytes], bytes]:
    """A change of a safetensors file's header, with the length that it then has."""

    def changed(data: bytes) -> bytes:
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + length])
        change(header)
        text = json.dumps(header).encode()
        return len(text).to_bytes(8, "little") + text + data[8 + length :]

    return changed


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "cut": lambda data: data[:-3],
    "longer": lambda data: data + b"xxx",
    "a header without end": lambda data: (2**62).to_bytes(8, "little") + data[8:],
    "no JSON": lambda data: data[:8] + b"[" * 40 + data[48:],
    "a list": with_header(lambda header: header.update({"weights/fc.bias": [1]})),
    "another name": with_header(lambda header: header.update({"weights/x": header.pop("weights/fc.bias")})),
    "another shape": with_header(lambda header: header["weights/fc.weight"].update(shape=[3, 2])),
    "a negative shape": with_header(lambda header: header["weights/fc.weight"].update(shape=[-2, -3])),
    "a huge shape": with_header(lambda header: header["weights/fc.weight"].update(shape=[2**40, 2**40])),
    "a place outside": with_header(lambda header: header["weights/fc.bias"].update(data_offsets=[10**9, 10**9 + 8])),
    "overlapping places": with_header(lambda header: header["weights/fc.bias"].update(data_offsets=[0, 8])),
    "another type": with_header(lambda header: header["weights/fc.bias"].update(dtype="O")),
}


@pytest.mark.cntk
@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_checkpoint_is_one_line_and_the_engine_lives(
    trained: CntkEngine, tmp_path: Path, change: str
) -> None:
    trained.save(tmp_path)
    good = (tmp_path / STATE).read_bytes()
    (tmp_path / STATE).write_bytes(CHANGES[change](good))
    with pytest.raises(EngineError, match=r"CNTK failed in load: ValueError|CNTK failed in load: JSONDecodeError"):
        trained.load(tmp_path)
    (tmp_path / STATE).write_bytes(good)
    trained.load(tmp_path)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", "[" * 100_000, '{"epoch": "1"}', '{"step": -1}', '{"records": 1}', '{"x": 1}', '{"epoch": true}'],
)
def test_a_damaged_position_is_one_line(tmp_path: Path, harmless: Watch, text: str) -> None:
    last = tmp_path / "checkpoints" / "last"
    last.mkdir(parents=True)
    (last / "position.json").write_text(text)
    with pytest.raises(OutputError, match=r"position\.json cannot be read"):
        Checkpoints(tmp_path / "checkpoints").position()
    assert harmless.seen == []
