"""Nested values with arrays in them, as named tensors plus a JSON description, and back; no pickle."""

from typing import Any

import numpy as np
import scipy.sparse
import torch
from torch import Tensor, nn

from recbole_ext.errors import UsageError

SKIPPED = object()
"""What a module comes back as: its weights are in the model's state."""


def flatten(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """Move every array of a nested value into `tensors`.

    Args:
        value: None, numbers, text, tensors, numpy arrays, scipy sparse matrices, and dicts, lists and
            tuples of them. Modules are left out: their weights are in the model's state.
        name: prefix of the tensors' names.
        tensors: receives the arrays.

    Returns:
        What JSON can hold; `unflatten` turns it back.

    Raises:
        UsageError: the value holds something else.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return {"plain": value}
    if isinstance(value, np.generic):
        return {"plain": value.item()}
    if isinstance(value, Tensor) and value.is_sparse:
        value = value.coalesce()
        parts = {"indices": value.indices(), "values": value.values()}
        tensors.update({f"{name}.{part}": tensor.detach().cpu().clone().contiguous() for part, tensor in parts.items()})
        return {"coo": name, "shape": list(value.shape)}
    if isinstance(value, Tensor):
        tensors[name] = value.detach().cpu().clone().contiguous()
        return {"tensor": name}
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
        tensors[name] = torch.from_numpy(np.ascontiguousarray(value))
        return {"array": name}
    if scipy.sparse.issparse(value):
        return _flatten_sparse(value.tocsr(), name, tensors)
    if isinstance(value, dict):
        items = [
            [flatten(k, f"{name}.{i}k", tensors), flatten(v, f"{name}.{i}", tensors)]
            for i, (k, v) in enumerate(value.items())
        ]
        return {"dict": items}
    if isinstance(value, list | tuple):
        return {type(value).__name__: [flatten(v, f"{name}.{i}", tensors) for i, v in enumerate(value)]}
    if isinstance(value, nn.Module):
        return {"module": name}
    raise UsageError(f"a checkpoint cannot hold {name} of type {type(value).__name__}")


def _flatten_sparse(matrix: Any, name: str, tensors: dict[str, Tensor]) -> dict[str, Any]:
    for part in ("data", "indices", "indptr"):
        tensors[f"{name}.{part}"] = torch.from_numpy(np.ascontiguousarray(getattr(matrix, part)))
    return {"sparse": name, "shape": list(matrix.shape)}


def unflatten(tree: dict[str, Any], tensors: dict[str, Tensor], device: torch.device | str = "cpu") -> Any:
    """The inverse of `flatten`; a module comes back as `SKIPPED`, a tensor on `device`."""
    kind, content = next(iter(tree.items()))
    if kind == "plain":
        return content
    if kind == "tensor":
        return tensors[content].to(device)
    if kind == "array":
        return tensors[content].numpy()
    if kind in ("sparse", "coo"):
        return _unflatten_sparse(kind, content, tree["shape"], tensors, device)
    if kind == "dict":
        return {unflatten(k, tensors, device): unflatten(v, tensors, device) for k, v in content}
    if kind == "module":
        return SKIPPED
    return {"list": list, "tuple": tuple}[kind](unflatten(v, tensors, device) for v in content)


def _unflatten_sparse(
    kind: str, name: str, shape: list[int], tensors: dict[str, Tensor], device: torch.device | str
) -> Any:
    if kind == "coo":
        indices, values = tensors[f"{name}.indices"], tensors[f"{name}.values"]
        return torch.sparse_coo_tensor(indices, values, shape, is_coalesced=True, device=device, check_invariants=True)
    parts = tuple(tensors[f"{name}.{part}"].numpy() for part in ("data", "indices", "indptr"))
    matrix = scipy.sparse.csr_matrix(parts, shape=shape)
    matrix.check_format(full_check=True)  # indices beyond the shape would read memory of others
    return matrix
