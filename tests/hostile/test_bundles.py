"""Bundles of a stranger: a model is whole in itself, or one line."""

import hashlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from skinlab import cli
from skinlab.deployment.azure import environment
from skinlab.errors import BundleError, OutputError
from skinlab.reproduction.outcome import compare
from skinlab.serving import loading
from skinlab.serving.portable import contents
from skinlab.serving.portable.closed import OpenModelError, require_closed
from tests.hostile.audit import Watch
from tests.serving.bundles import write_bundle

SECRET = b"an API key of the user"


def external(name: str = "stolen", location: str = "secret.txt") -> TensorProto:
    """A tensor whose numbers are the bytes of a file."""
    tensor = TensorProto(name=name, data_type=TensorProto.UINT8, dims=[len(SECRET)])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return tensor


def said_without_a_mark() -> TensorProto:
    """As `external`, but only the name of the file gives it away."""
    tensor = external()
    tensor.ClearField("data_location")
    return tensor


def graph_with(tensor: TensorProto) -> onnx.GraphProto:
    return helper.make_graph([], "inner", [], [], initializer=[tensor])


def in_node(model: onnx.ModelProto, **attribute: Any) -> None:
    node = model.graph.node.add(op_type="If", name="x")
    node.attribute.append(onnx.AttributeProto(name="a", **attribute))


def sparse(tensor: TensorProto) -> onnx.SparseTensorProto:
    return onnx.SparseTensorProto(values=TensorProto(name="v"), indices=tensor)


PLACES: dict[str, Callable[[onnx.ModelProto], Any]] = {
    "initializer": lambda model: model.graph.initializer.append(external()),
    "initializer without a mark": lambda model: model.graph.initializer.append(said_without_a_mark()),
    "values of a sparse initializer": lambda model: model.graph.sparse_initializer.add().values.CopyFrom(external()),
    "indices of a sparse initializer": lambda model: model.graph.sparse_initializer.append(sparse(external())),
    "attribute": lambda model: in_node(model, t=external()),
    "attributes": lambda model: in_node(model, tensors=[TensorProto(), external()]),
    "sparse attribute": lambda model: in_node(model, sparse_tensor=sparse(external())),
    "sparse attributes": lambda model: in_node(model, sparse_tensors=[sparse(external())]),
    "subgraph": lambda model: in_node(model, g=graph_with(external())),
    "subgraphs": lambda model: in_node(model, graphs=[graph_with(external())]),
    "function": lambda model: (
        model.functions.add(name="f")
        .node.add(op_type="Constant")
        .attribute.append(onnx.AttributeProto(name="value", t=external()))
    ),
    "default of a function": lambda model: model.functions.add(name="f").attribute_proto.append(
        onnx.AttributeProto(name="value", t=external())
    ),
    "training": lambda model: model.training_info.add().algorithm.CopyFrom(graph_with(external())),
    "initialization": lambda model: model.training_info.add().initialization.CopyFrom(graph_with(external())),
}


def with_model(folder: Path, model: bytes) -> Path:
    """A bundle with another model, and checksums that are right."""
    write_bundle(folder)
    (folder / "model.onnx").write_bytes(model)
    sums = [line.split("  ", 1) for line in (folder / "SHA256SUMS").read_text().splitlines()]
    digest = hashlib.sha256(model).hexdigest()
    text = "".join(f"{digest if name == 'model.onnx' else old}  {name}\n" for old, name in sums)
    (folder / "SHA256SUMS").write_text(text)
    return folder


@pytest.fixture
def model(tmp_path: Path) -> onnx.ModelProto:
    """The model of a bundle, and a secret in the current folder."""
    (tmp_path / "secret.txt").write_bytes(SECRET)
    return onnx.load(str(write_bundle(tmp_path / "good") / "model.onnx"))


@pytest.mark.parametrize("place", PLACES)
def test_a_tensor_that_lies_in_a_file_is_refused_wherever_it_is(
    place: str, model: onnx.ModelProto, tmp_path: Path, harmless: Watch
) -> None:
    PLACES[place](model)
    with pytest.raises(BundleError, match="a tensor of it lies in another file; a bundle is whole in itself"):
        loading.load(with_model(tmp_path / "evil", model.SerializeToString()))
    assert harmless.seen == []


@pytest.mark.parametrize("command", [["predict", "evil", "x.png"], ["deploy", "evil"], ["deploy", "evil", "--dry-run"]])
def test_each_command_that_uses_a_bundle_ends_in_one_line(
    command: list[str], model: onnx.ModelProto, tmp_path: Path, capsys: pytest.CaptureFixture[str], harmless: Watch
) -> None:
    model.graph.initializer.append(external())
    with_model(tmp_path / "evil", model.SerializeToString())
    assert cli.main(command) == BundleError.exit_code
    told = capsys.readouterr()
    assert "a tensor of it lies in another file" in told.err
    assert SECRET.decode() not in told.out + told.err
    assert harmless.seen == []


def test_score_py_refuses_it_too_where_no_skinlab_is(model: onnx.ModelProto, tmp_path: Path) -> None:
    model.graph.initializer.append(external())
    evil = with_model(tmp_path / "evil", model.SerializeToString())
    program = f"import sys; sys.path.insert(0, {str(evil)!r}); import score; score.init()"
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.endswith("OpenModelError: a tensor of it lies in another file\n")


def test_reproduce_compares_no_file_that_a_model_names(model: onnx.ModelProto, tmp_path: Path, harmless: Watch) -> None:
    model.graph.initializer.append(external())
    for name in ("before", "after"):
        (tmp_path / name / "bundle").mkdir(parents=True)
    (tmp_path / "before" / "bundle" / "model.onnx").write_bytes(model.SerializeToString())
    (tmp_path / "after" / "bundle" / "model.onnx").write_bytes(b"")
    with pytest.raises(OutputError, match="a tensor of it lies in another file"):
        compare(tmp_path / "before", tmp_path / "after", 1e-4)
    assert harmless.seen == []


def test_networks_that_skinlab_writes_are_closed(model: onnx.ModelProto) -> None:
    require_closed(model.SerializeToString())


def test_a_field_that_comes_twice_is_joined_as_parsers_do(model: onnx.ModelProto) -> None:
    graph = onnx.GraphProto(initializer=[external()])
    again = onnx.ModelProto(graph=graph).SerializeToString()
    with pytest.raises(OpenModelError, match="another file"):
        require_closed(model.SerializeToString() + again)


def nested(depth: int) -> bytes:
    """A graph in an attribute of a node of a graph, and so on."""
    inner = b""
    for _ in range(depth):
        for tag in (b"\x32", b"\x2a", b"\x0a"):  # the graph in an attribute, of a node, of the graph around it
            inner = field(tag, inner)
    return field(b"\x3a", inner)


def field(tag: bytes, content: bytes) -> bytes:
    """A field of protobuf that holds bytes."""
    length, left = b"", len(content)
    while left > 127:
        length, left = length + bytes([left & 127 | 128]), left >> 7
    return tag + length + bytes([left]) + content


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", None),
        (b"\xff" * 11, "no ONNX model"),
        (b"\x3a\xff\xff\xff\xff\x0f", "no ONNX model"),
        (b"\x3b", "no ONNX model"),
        (b"\x08", "no ONNX model"),
        (b"\x0d\x00", "no ONNX model"),
        (b"\x00\x00\x00\x00ORTM", "ONNX Runtime's own format"),
        (b"\x12\x06abORTM" + b"", "ONNX Runtime's own format"),
        (nested(60), "nested too deeply"),
    ],
)
def test_what_is_no_model_is_said(content: bytes, what: str | None) -> None:
    if what is None:
        require_closed(content)
        return
    with pytest.raises(OpenModelError, match=what):
        require_closed(content)


def test_in_azure_a_bundles_own_code_and_packages_are_not_used(tmp_path: Path) -> None:
    evil = write_bundle(tmp_path / "evil")
    (evil / "score.py").write_text("open('pwned', 'w')")
    (evil / "answering.py").write_text("open('pwned', 'w')")
    (evil / "requirements.txt").write_text("evil==1 --hash=sha256:00\n")
    files = "".join(
        f"{hashlib.sha256((evil / name).read_bytes()).hexdigest()}  {name}\n"
        for name in sorted(os.listdir(evil))  # noqa: PTH208
        if name != "SHA256SUMS"
    )
    (evil / "SHA256SUMS").write_text(files)
    bundle = loading.load(evil)
    assert not any("evil" in line for line in environment.requirements(bundle))
    (tmp_path / "code").mkdir()
    environment.write_code(tmp_path / "code")
    for name in ("score.py", "answering.py", "decoding.py", "closed.py"):
        assert (tmp_path / "code" / name).read_bytes() == contents()[name]


def test_score_py_takes_what_lies_beside_it_before_what_a_bundle_brings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evil = write_bundle(tmp_path / "models" / "evil")
    for name in ("answering.py", "decoding.py", "closed.py"):
        (evil / name).write_text("raise SystemExit('executed')")
    sums = (evil / "SHA256SUMS").read_text().splitlines()
    text = [f"{hashlib.sha256((evil / line[66:]).read_bytes()).hexdigest()}  {line[66:]}" for line in sums]
    (evil / "SHA256SUMS").write_text("\n".join(text) + "\n")
    (tmp_path / "code").mkdir()
    environment.write_code(tmp_path / "code")
    monkeypatch.setenv("AZUREML_MODEL_DIR", str(tmp_path / "models"))
    found = importlib.util.spec_from_file_location("score", tmp_path / "code" / "score.py")
    assert found is not None
    assert found.loader is not None
    score = importlib.util.module_from_spec(found)
    found.loader.exec_module(score)
    score.init()
    assert np.isfinite(score.STATE["signature"]["threshold"])
