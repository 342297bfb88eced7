"""One ONNX graph: written by torch's exporter, and compared with torch by onnxruntime before it is published.

The exporter is the one that traces (`dynamo=False`): it needs no onnxscript, and 2 s of processor time for the encoder
of SS4Rec where the other one needs 45.
"""

import importlib.util
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from recbole_ext.errors import ResourceError, UsageError

TOLERANCE = 1e-5
"""Largest difference between torch and onnxruntime, relative where values are above 1."""
_PACKAGES = ("onnx", "onnxruntime")
_OPSET = 18


@dataclass(frozen=True)
class Graph:
    """A module with examples of its inputs.

    Attributes:
        module: in evaluation mode, on the CPU.
        arguments: positional; a list of tensors is flattened in its order.
        inputs, outputs: names in the order of the arguments and results.
        axes: names of the dimensions of each input that may vary, `("batch", "length")` for (B, L).
    """

    module: nn.Module
    arguments: tuple[Any, ...]
    inputs: list[str]
    outputs: list[str]
    axes: list[tuple[str, ...]]


def require_packages() -> None:
    """Refuse without the packages of the extra `[export]`.

    Raises:
        ResourceError: one is missing.
    """
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise ResourceError(
            f"--format=onnx needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed; "
            "run: pip install 'recbole-ext[export]'"
        )


def write_graph(graph: Graph, path: Path) -> None:
    """Write a graph.

    Raises:
        UsageError: torch's exporter does not take the module.
    """
    axes = dict(zip(graph.inputs, map(dict, map(enumerate, graph.axes)), strict=True))
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # tracing remarks on every shape that it reads
            torch.onnx.export(
                graph.module,
                graph.arguments,
                str(path),
                input_names=graph.inputs,
                output_names=graph.outputs,
                dynamic_axes=axes | {name: {0: "batch"} for name in graph.outputs},
                opset_version=_OPSET,
                dynamo=False,
                verbose=False,
            )
    except OSError:
        raise
    except Exception as error:  # the exporter raises what it meets in the module
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
        raise UsageError(
            f"torch.onnx does not take {path.name} of this model ({type(error).__name__}: {reason[:160]})\n"
            "export --format=vectors, or answer from the run itself (recommend)"
        ) from None


def session(path: Path) -> Any:
    """onnxruntime's session of a graph, on one thread of the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def answer(opened: Any, given: dict[str, Tensor]) -> list[np.ndarray]:
    """The results of a session for tensors by the names of its inputs."""
    results: list[np.ndarray] = opened.run(None, {name: value.numpy() for name, value in given.items()})
    return results


def require_equal(name: str, found: np.ndarray, expected: Tensor) -> float:
    """The largest difference between a result of a graph and torch's, relative where values are above 1.

    Raises:
        UsageError: it is more than `TOLERANCE`.
    """
    wanted = expected.detach().numpy()
    finite = np.isfinite(wanted)
    difference = np.abs(found[finite] - wanted[finite]) / np.maximum(1.0, np.abs(wanted[finite]))
    largest = float(difference.max(initial=0.0))
    if found.shape != wanted.shape or largest > TOLERANCE or not np.isfinite(found[finite]).all():
        raise UsageError(
            f"{name}: onnxruntime's result is not that of torch (largest difference {largest:.1e}, allowed "
            f"{TOLERANCE:.0e}), so nothing was exported; answer from the run itself (recommend)"
        )
    return largest


def described(opened: Any) -> dict[str, list[dict[str, Any]]]:
    """Names, types and shapes of the inputs and outputs of a session, for JSON."""
    return {
        side: [{"name": value.name, "type": value.type, "shape": list(value.shape)} for value in values]
        for side, values in (("inputs", opened.get_inputs()), ("outputs", opened.get_outputs()))
    }
