"""torch's files are read without torch, and nothing in them is executed."""

import os
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skinlab.errors import ConfigError
from skinlab.networks.pretrained import pth

MAGIC = 0x1950A86A20F9469CFC6C


def torch_file(path: Path, content: Any, *, legacy: bool = False) -> Path:
    """What torch itself writes."""
    torch = pytest.importorskip("torch", reason="torch is missing: pip install torch")
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    return path


def zip_file(path: Path, described: bytes, **storages: bytes) -> Path:
    """The new format around any pickle."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", described)
        for key, data in storages.items():
            archive.writestr(f"archive/data/{key}", data)
    return path


def legacy_file(path: Path, described: bytes) -> Path:
    """The old format around any pickle."""
    parts = [pickle.dumps(part, 2) for part in (MAGIC, 1001, {"little_endian": True})]
    path.write_bytes(b"".join([*parts, described, pickle.dumps([], 2)]))
    return path


class Thing:
    """Pickled, it is a call."""

    def __init__(self, call: Any, *arguments: Any) -> None:
        self.call, self.arguments = call, arguments

    def __reduce__(self) -> Any:
        return self.call, self.arguments


@pytest.mark.parametrize("legacy", [False, True])
def test_a_state_dictionary_is_read_as_torch_reads_it(tmp_path: Path, legacy: bool) -> None:
    torch = pytest.importorskip("torch", reason="torch is missing: pip install torch")
    shared = torch.arange(24, dtype=torch.float32)
    state = OrderedDict(
        plain=torch.rand(2, 3),
        turned=shared.reshape(4, 6).t(),
        part=shared[5:9],
        parameter=torch.nn.Parameter(torch.rand(3)),
        double=torch.rand(2, dtype=torch.float64),
        half=torch.rand(2).half(),
        counter=torch.tensor(7),
        none=torch.zeros(0, 4),
    )
    state._metadata = OrderedDict(version=1)  # type: ignore[attr-defined]
    arrays = pth.read(torch_file(tmp_path / "a.pth", state, legacy=legacy))
    assert list(arrays) == list(state)
    for name, tensor in state.items():
        assert arrays[name].dtype == tensor.detach().numpy().dtype
        np.testing.assert_array_equal(arrays[name], tensor.detach().numpy())


@pytest.mark.parametrize("write", [zip_file, legacy_file])
@pytest.mark.parametrize("call", [os.system, os.mkdir, eval, exec, __import__, getattr])
def test_a_malicious_pickle_executes_nothing_and_ends_in_one_line(tmp_path: Path, write: Any, call: Any) -> None:
    target = tmp_path / "executed"
    argument = f"__import__('os').mkdir({str(target)!r})" if call in (eval, exec) else str(target)
    argument = f"touch {target}" if call is os.system else argument
    described = pickle.dumps({"weight": Thing(call, argument)}, 2)
    with pytest.raises(ConfigError, match="nothing was executed") as caught:
        pth.read(write(tmp_path / "evil.pth", described))
    assert not target.exists()
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / 'evil.pth'} cannot be used as weights: it asks for ")


@pytest.mark.parametrize(
    "code",
    [
        b"cskinlab.networks.pretrained.pth\n_Maker\n.",
        b"cnumpy\nfrombuffer\n.",
        b"ctorch\nload\n.",
        b"ctorch._utils\n_rebuild_tensor_v2.__globals__\n.",
        b"\x80\x04\x8c\x05torch\x8c\x11__builtins__.eval\x93.",
        b"ccollections\nOrderedDict.__init__\n.",
    ],
)
def test_no_other_name_is_given_out(tmp_path: Path, code: bytes) -> None:
    with pytest.raises(ConfigError, match="nothing was executed"):
        pth.read(zip_file(tmp_path / "a.pth", code))


def test_what_a_pickle_hangs_on_a_stand_in_stays_in_its_file(tmp_path: Path) -> None:
    """BUILD sets attributes of whatever is on the stack."""
    maker = b"ctorch._utils\n_rebuild_tensor_v2\n"
    for state in (b"}X\x05\x00\x00\x00_makeNs", b"N}X\x05\x00\x00\x00_makeNs\x86"):
        with pytest.raises(ConfigError):
            pth.read(zip_file(tmp_path / "a.pth", b"\x80\x02" + maker + state + b"b."))
    good = {"weight": np.ones(2, np.float32)}
    torch = pytest.importorskip("torch", reason="torch is missing: pip install torch")
    arrays = pth.read(torch_file(tmp_path / "b.pth", {name: torch.from_numpy(array) for name, array in good.items()}))
    np.testing.assert_array_equal(arrays["weight"], good["weight"])


def plain(value: Any) -> bytes:
    """The instructions that put a plain value on the stack."""
    return pickle.dumps(value, 2)[2:-1]


def described_tensor(offset: Any, shape: Any, strides: Any, length: Any = 4) -> bytes:
    """The pickle of one tensor over a storage `0` of floats."""
    storage = b"(" + plain("storage") + b"ctorch\nFloatStorage\n" + plain("0") + plain("cpu") + plain(length) + b"tQ"
    arguments = b"(" + storage + plain(offset) + plain(shape) + plain(strides) + b"\x89Nt"
    return b"\x80\x02}" + plain("weight") + b"ctorch._utils\n_rebuild_tensor_v2\n" + arguments + b"Rs."


def test_a_tensor_is_cut_from_its_storage(tmp_path: Path) -> None:
    numbers = np.arange(4, dtype="<f4")
    path = zip_file(tmp_path / "a.pth", described_tensor(1, (3,), (1,)), **{"0": numbers.tobytes()})
    np.testing.assert_array_equal(pth.read(path)["weight"], [1, 2, 3])


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [
        (0, (5,), (1,)),
        (1, (4,), (1,)),
        (0, (2, 2), (3, 1)),
        (0, (10**6, 10**6), (0, 0)),
        (-1, (2,), (1,)),
        (0, (-2,), (1,)),
        (0, (2,), (-1,)),
        (0, (2,), (1, 1)),
        (0, ("2",), (1,)),
        (0.0, (2,), (1,)),
        (10**30, (1,), (1,)),
    ],
)
def test_a_tensor_that_reaches_beyond_the_file_is_refused(
    tmp_path: Path, offset: Any, shape: Any, strides: Any
) -> None:
    path = zip_file(tmp_path / "a.pth", described_tensor(offset, shape, strides), **{"0": bytes(16)})
    with pytest.raises(ConfigError, match="cannot be used as weights"):
        pth.read(path)


@pytest.mark.parametrize("length", [3, 5, 10**15, -1, "4"])
def test_a_storage_of_another_size_is_refused(tmp_path: Path, length: Any) -> None:
    path = zip_file(tmp_path / "a.pth", described_tensor(0, (1,), (1,), length), **{"0": bytes(16)})
    with pytest.raises(ConfigError, match="cannot be used as weights"):
        pth.read(path)


def test_no_memory_is_reserved_out_of_proportion(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not hold a state dictionary"):
        pth.read(zip_file(tmp_path / "a.pth", b"\x80\x02}r\xff\xff\xff\x7f."))
    with pytest.raises(ConfigError, match="cannot be used as weights"):
        pth.read(zip_file(tmp_path / "a.pth", b"\x80\x04\x8d" + (2**40).to_bytes(8, "little") + b"."))


@pytest.mark.parametrize("share", [0, 1, 0.01, 0.3, 0.9, 0.999])
@pytest.mark.parametrize("legacy", [False, True])
def test_a_file_that_stops_short_is_refused(tmp_path: Path, legacy: bool, share: float) -> None:
    torch = pytest.importorskip("torch", reason="torch is missing: pip install torch")
    path = torch_file(tmp_path / "a.pth", {"weight": torch.rand(50, 50)}, legacy=legacy)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share) if share < 1 else -1])
    with pytest.raises(ConfigError, match="cannot be used as weights"):
        pth.read(path)


def test_damage_anywhere_in_the_description_is_one_line(tmp_path: Path) -> None:
    """Each byte of a file is changed in turn; whatever comes of it is small arrays or an error of ours."""
    described, refused = described_tensor(0, (4,), (1,)), 0
    for position in range(len(described)):
        for change in (1, 0x80):
            broken = bytearray(described)
            broken[position] ^= change
            try:
                arrays = pth.read(zip_file(tmp_path / "a.pth", bytes(broken), **{"0": bytes(16)}))
            except ConfigError:
                refused += 1
            else:
                assert all(array.size <= 4 for array in arrays.values())
    assert refused > len(described)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "damaged"),
        (b"not a file of weights", "damaged"),
        (pickle.dumps({"a": 1}, 2), "not a file of torch.save"),
        (pickle.dumps({"a": 1}, 4), "has the instruction FRAME, which torch does not write"),
        (pickle.dumps(MAGIC, 2) + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": False}, 2), "big-endian"),
    ],
)
def test_another_file_is_named_for_what_it_is(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "a.pth"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=reason):
        pth.read(path)


@pytest.mark.parametrize("content", [[1, 2], {}, {"epoch": 3}, {"model": {}}, {1: 2}])
def test_what_is_no_state_dictionary_is_refused(tmp_path: Path, content: Any) -> None:
    with pytest.raises(ConfigError, match="does not hold a state dictionary"):
        pth.read(zip_file(tmp_path / "a.pth", pickle.dumps(content, 2)))


def test_a_whole_model_is_refused(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch is missing: pip install torch")
    with pytest.raises(ConfigError, match=r"asks for torch\.nn\.modules\.linear\.Linear"):
        pth.read(torch_file(tmp_path / "a.pth", torch.nn.Linear(2, 2)))


def test_compressed_entries_are_refused(tmp_path: Path) -> None:
    """They could unpack to any size."""
    path = tmp_path / "a.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", described_tensor(0, (4,), (1,)))
        archive.writestr("archive/data/0", bytes(16))
    with pytest.raises(ConfigError, match="compressed"):
        pth.read(path)


def nested(depth: int) -> bytes:
    """A tuple of the same tuple twice, and so on: to hash or to show it takes for ever."""
    return b"K\x01q\x00" + b"".join(
        b"h" + bytes([i]) + b"h" + bytes([i]) + b"\x86q" + bytes([i + 1]) for i in range(depth)
    )


@pytest.mark.parametrize("ending", [b"N", b"X\x01\x00\x00\x00a"])
def test_a_key_that_is_endless_is_refused_at_once(tmp_path: Path, ending: bytes) -> None:
    described = b"\x80\x02}(" + nested(200) + ending + b"u."
    with pytest.raises(ConfigError, match="cannot be used as weights"):
        pth.read(zip_file(tmp_path / "a.pth", described))
    with pytest.raises(ConfigError, match="a key of it is no text"):
        pth.read(zip_file(tmp_path / "a.pth", b"\x80\x02}(K\x01K\x02\x86Nu."))


def test_many_tensors_on_one_storage_are_refused_and_tied_ones_are_one_array(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch is missing: pip install torch")
    numbers = torch.arange(1000, dtype=torch.float32)
    tied = pth.read(torch_file(tmp_path / "tied.pth", {str(i): numbers for i in range(200)}, legacy=False))
    assert len({id(array) for array in tied.values()}) == 1
    views = torch_file(tmp_path / "views.pth", {str(i): numbers[i:] for i in range(200)}, legacy=False)
    with pytest.raises(ConfigError, match="far more than its numbers"):
        pth.read(views)
