"""Tables, arrays and plain values as named compact arrays plus a JSON description, and back to the bit; no pickle.

Numbers are kept in the smallest type that gives the same bits back, so a column of ratings takes a byte per row. Lists
in the cells of a table are one array of all their elements and one of their lengths.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from recbole.utils import FeatureSource, FeatureType

from recbole_ext.data.columns.roles import Columns
from recbole_ext.data.rows.ledger import Ledger, Loss
from recbole_ext.errors import UsageError

Arrays = dict[str, np.ndarray]
_ENUMS = {kind.__name__: kind for kind in (FeatureSource, FeatureType)}
_RECORDS = {kind.__name__: kind for kind in (Columns, Ledger, Loss)}
_INTEGERS = tuple(np.dtype(name) for name in ("u1", "i1", "u2", "i2", "u4", "i4"))
_FLOATS = (*_INTEGERS[:4], np.dtype("f2"), np.dtype("f4"))
_SEQUENCES: dict[str, Any] = {"list": list, "tuple": tuple, "set": set}


def pack(value: Any, name: str, arrays: Arrays) -> Any:
    """Describe a value, and store its numbers in `arrays`.

    Args:
        value: None, bools, numbers, strings, enums of RecBole, counts of rows, arrays, tensors, tables, and lists,
            tuples, sets and dictionaries of those.
        name: under which its arrays are found.
        arrays: receives them.

    Returns:
        What JSON can hold; `unpack` turns it back.

    Raises:
        UsageError: the value holds something else.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return {"plain": value.item() if isinstance(value, np.generic) else value}
    if isinstance(value, np.generic):
        return {"plain": value.item()}
    if type(value).__name__ in _ENUMS:
        return {"enum": type(value).__name__, "name": value.name}
    if isinstance(value, torch.Tensor):
        return {"tensor": pack(value.detach().cpu().numpy(), name, arrays)}
    if isinstance(value, np.ndarray):
        return _pack_array(value, name, arrays)
    if isinstance(value, pd.DataFrame):
        columns = [(str(c), pack(value[c].to_numpy(), f"{name}.{c}", arrays)) for c in value]
        return {"table": columns, "rows": len(value)}
    return _pack_container(value, name, arrays)


def _pack_container(value: Any, name: str, arrays: Arrays) -> Any:
    if isinstance(value, Mapping):
        return {"dict": [(pack(k, name, arrays), pack(v, f"{name}.{k}", arrays)) for k, v in value.items()]}
    kind = type(value).__name__
    if kind in _SEQUENCES:
        members = sorted(value) if kind == "set" else value
        return {kind: [pack(v, f"{name}.{i}", arrays) for i, v in enumerate(members)]}
    if is_dataclass(value) and kind in _RECORDS:
        parts = {f.name: pack(getattr(value, f.name), f"{name}.{f.name}", arrays) for f in fields(value)}
        return {"record": kind, "fields": parts}
    raise UsageError(f"{name} is of type {kind}, which a run cannot store; switch it off with --store_data=False")


def _pack_array(values: np.ndarray, name: str, arrays: Arrays) -> Any:
    if values.dtype.kind in "biuf":
        return {"array": _keep(values, name, arrays), "dtype": values.dtype.str}
    if values.dtype.kind == "U":
        return {"words": values.tolist(), "dtype": "U"}
    if values.dtype != object:
        raise UsageError(f"{name} holds {values.dtype}, which a run cannot store; switch it off: --store_data=False")
    if all(isinstance(cell, str) or cell is None for cell in values):
        return {"words": values.tolist(), "dtype": "O"}
    return _pack_cells(values, name, arrays)


def _pack_cells(values: np.ndarray, name: str, arrays: Arrays) -> Any:
    """A column of arrays, lists or tuples: (d,) or, for values with their places, (2, d) each."""
    kind = type(values[0]).__name__
    if kind not in ("ndarray", "list", "tuple"):
        raise UsageError(f"{name} holds {kind}s, which a run cannot store; switch it off with --store_data=False")
    cells = [np.asarray(cell) for cell in values]
    filled = [cell for cell in cells if cell.size] or cells[:1]
    dtype = np.result_type(*{cell.dtype for cell in filled})
    lengths = np.array([cell.shape[-1] for cell in cells])
    flat = _keep(np.concatenate(filled, axis=-1).astype(dtype), name, arrays)
    return {"cells": flat, "lengths": _keep(lengths, f"{name} lengths", arrays), "kind": kind, "dtype": dtype.str}


def _keep(values: np.ndarray, name: str, arrays: Arrays) -> str:
    """Put an array into `arrays`; returns the name under which it stands, which its number makes its own."""
    own = f"{len(arrays)} {name}"
    arrays[own] = narrowed(values)
    return own


def narrowed(values: np.ndarray) -> np.ndarray:
    """The same numbers in the smallest type that gives back each bit of them."""
    values = np.ascontiguousarray(values) if values.ndim else values
    for dtype in _FLOATS if values.dtype.kind == "f" else _INTEGERS:
        if dtype.itemsize < values.dtype.itemsize and _holds(dtype, values):
            return values.astype(dtype)
    return values


def _holds(dtype: np.dtype, values: np.ndarray) -> bool:
    if values.dtype.kind == "b" or not values.ndim or (dtype.kind in "iu" and not _within(np.iinfo(dtype), values)):
        return False
    with np.errstate(over="ignore", invalid="ignore"):
        back = values.astype(dtype).astype(values.dtype)
    return bool((back.view(np.uint8) == values.view(np.uint8)).all())


def _within(limits: Any, values: np.ndarray) -> bool:
    """Whether all numbers lie within the limits of an integer type; NaN lies nowhere."""
    return not values.size or bool(values.min() >= limits.min and values.max() <= limits.max)


def unpack(tree: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """The inverse of `pack`."""
    kind, content = next(iter(tree.items()))
    if kind == "plain":
        return content
    if kind == "enum":
        return _ENUMS[content][tree["name"]]
    if kind == "tensor":
        return torch.from_numpy(unpack(content, arrays))
    if kind == "array":
        return arrays[content].astype(tree["dtype"])
    if kind == "words":
        return np.array(content, dtype=tree["dtype"])
    if kind == "cells":
        return _unpack_cells(tree, arrays)
    if kind == "table":
        return pd.DataFrame({c: unpack(of, arrays) for c, of in content}, index=range(tree["rows"]), copy=False)
    if kind == "dict":
        return {unpack(k, arrays): unpack(v, arrays) for k, v in content}
    if kind == "record":
        return _RECORDS[content](**{part: unpack(of, arrays) for part, of in tree["fields"].items()})
    return _SEQUENCES[kind](unpack(v, arrays) for v in content)


def _unpack_cells(tree: Any, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    flat, lengths = arrays[tree["cells"]].astype(tree["dtype"]), arrays[tree["lengths"]].astype(np.int64)
    cells = np.split(flat, np.cumsum(lengths)[:-1], axis=-1)
    as_kind = {"ndarray": lambda cell: cell, "list": np.ndarray.tolist, "tuple": tuple}[tree["kind"]]
    return np.fromiter(map(as_kind, cells), dtype=object, count=len(lengths))
