"""A model of timm as a piece of an ONNX graph: from normalised pixels to features or logits.

By torch's exporter that traces, which needs no package beyond torch and onnx. What surrounds the piece (normalisation,
views, softmax) is in `onnx_graph`, the same for all networks.
"""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from skinlab.errors import ConfigError
from skinlab.networks import timm_map, timm_network
from skinlab.networks.architecture import FEATURES, LOGITS
from skinlab.networks.timm_architecture import TimmArchitecture
from skinlab.networks.weights import Weights

if TYPE_CHECKING:
    from torch import Tensor

PREFIX = "timm/"
"""Of all names in the piece, so that they are not those of what surrounds it."""
PIXELS = f"{PREFIX}pixels"
MAP = "map"
"""Of the piece up to the logits, the value that is the feature map, where the head reads one."""
TRACED, TRIED = 2, 3
"""Images in the traced batch, and in another one: the batch must be free."""
TOLERANCE = 1e-3


def piece(architecture: TimmArchitecture, weights: Weights, output: str, opset: int) -> Any:
    """The ONNX graph of the network with these weights.

    Args:
        architecture: the network.
        weights: its arrays by timm's names.
        output: `LOGITS` or `FEATURES`.
        opset: version of ONNX's operators.

    Returns:
        an `onnx.GraphProto` from `PIXELS`, float32 [N, 3, H, W], to `PREFIX` + output; on the way to logits the value
        `PREFIX` + `MAP` is the feature map, if `has_map`.
    """
    import onnx
    import torch

    size, stream = architecture.image_size, io.BytesIO()
    names = [output, MAP] if output == LOGITS and has_map(architecture) else [output]
    with warnings.catch_warnings(), _quiet():
        warnings.simplefilter("ignore")  # of the tracer, about what the check of the bundle would find
        torch.onnx.export(
            _traced(architecture, weights, output),
            (torch.zeros(TRACED, 3, size, size),),
            stream,  # type: ignore[arg-type]  # the stub knows the other exporter only
            dynamo=False,
            opset_version=opset,
            input_names=["pixels"],
            output_names=names,
            dynamic_axes={name: {0: "N"} for name in ("pixels", *names)},
        )
    return onnx.compose.add_prefix(onnx.load_from_string(stream.getvalue()), PREFIX).graph


def has_map(architecture: TimmArchitecture) -> bool:
    """Whether the exported graph holds a feature map: what the head reads, not what a block before it does."""
    return architecture.feature_map is not None and architecture.feature_map.at == "features"


def require(architecture: TimmArchitecture, opset: int) -> None:
    """Export the network with drawn weights, before a long training ends without a bundle.

    Raises:
        ConfigError: it cannot be exported, or what is exported computes something else.
    """
    import torch

    drawn = timm_network.draw(architecture, seed=0)
    pixels = np.random.default_rng(0).random((TRIED, 3, *[architecture.image_size] * 2), np.float32)
    failures: tuple[type[Exception], ...] = (*timm_network.FAILURES, *_export_failures())
    try:
        served = _served(piece(architecture, drawn, LOGITS, opset), pixels, opset)
    except failures as error:
        why = str(error).strip().partition("\n")[0].partition(". ")[0]
        raise ConfigError(
            f"network.name={architecture.name}: it cannot be exported to ONNX ({type(error).__name__}: {why}), so that "
            "there would be no bundle; choose another"
        ) from error
    with torch.inference_mode():
        own = _traced(architecture, drawn, LOGITS)(torch.from_numpy(pixels))[0].numpy()
    if served.shape != own.shape or not np.allclose(served, own, rtol=TOLERANCE, atol=TOLERANCE):
        raise ConfigError(f"network.name={architecture.name}: its ONNX export computes something else; choose another")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter from writing the whole graph to the terminal where it fails: it has no setting for that."""
    from torch import _C

    log = _C._jit_onnx_log  # noqa: SLF001
    _C._jit_onnx_log = lambda *_: None  # noqa: SLF001
    try:
        yield
    finally:
        _C._jit_onnx_log = log  # noqa: SLF001


def _traced(architecture: TimmArchitecture, weights: Weights, output: str) -> Any:
    """The module from pixels to the wanted output, and the feature map beside logits."""
    from torch import nn

    class Traced(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = timm_network.load(architecture, weights, exportable=True)

        def forward(self, pixels: "Tensor") -> "tuple[Tensor, ...]":
            reached = timm_map.values(self.model, "features", pixels)
            found = timm_map.features(self.model, "features", reached)
            if output == FEATURES:
                return (found,)
            logits: Tensor = self.model.get_submodule(architecture.head)(found)
            return (logits, reached) if has_map(architecture) else (logits,)

    return Traced().eval()


def _export_failures() -> tuple[type[Exception], ...]:
    """What the exporter, ONNX and its runtime raise besides."""
    from onnxruntime.capi import onnxruntime_pybind11_state as runtime
    from torch.onnx import errors

    raised = (runtime.Fail, runtime.InvalidGraph, runtime.InvalidArgument, runtime.RuntimeException)
    return (errors.OnnxExporterError, runtime.NotImplemented, runtime.EPFail, *raised)


def _served(graph: Any, pixels: "np.ndarray[Any, Any]", opset: int) -> "np.ndarray[Any, Any]":
    """What ONNX Runtime makes of normalised pixels."""
    import onnxruntime
    from onnx import helper

    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    found: np.ndarray[Any, Any] = session.run(None, {PIXELS: pixels})[0]
    return found
