import json
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch
from torch import Tensor, nn

from recbole_ext.errors import UsageError
from recbole_ext.runs.tensor_tree import SKIPPED, flatten, unflatten


def there_and_back(value: Any) -> Any:
    tensors: dict[str, Tensor] = {}
    tree = json.loads(json.dumps(flatten(value, "x", tensors)))
    return unflatten(tree, tensors)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        3,
        -0.5,
        "text",
        (1, "a", (2,)),
        [1, [2, None]],
        {"a": 1, 2: "b", (1, 2): [3]},
        {},
        [],
        (),
    ],
    ids=repr,
)
def test_plain_values(value: Any) -> None:
    found = there_and_back(value)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize("value", [np.int64(3), np.float32(0.5), np.bool_(True)], ids=repr)
def test_numpy_scalars_become_python_numbers(value: Any) -> None:
    assert there_and_back(value) == value.item()
    assert there_and_back({value: 1}) == {value.item(): 1}


@pytest.mark.parametrize(
    "value",
    [
        torch.arange(6).view(2, 3),
        torch.ones(3, dtype=torch.float16),
        torch.arange(6).view(2, 3).T,
        torch.zeros(0, 4),
        torch.tensor(1.5),
        torch.tensor([True, False]),
        torch.ones(2, requires_grad=True) * 2,
    ],
    ids=["int", "half", "transposed", "empty", "scalar", "bool", "with gradient"],
)
def test_tensors(value: Tensor) -> None:
    found = there_and_back([value])[0]
    assert found.dtype == value.dtype and not found.requires_grad
    assert torch.equal(found, value.detach())


@pytest.mark.parametrize(
    "value", [np.arange(6.0).reshape(2, 3), np.arange(6).reshape(2, 3).T, np.array([True])], ids=str
)
def test_arrays(value: np.ndarray) -> None:
    found = there_and_back((value,))[0]
    assert isinstance(found, np.ndarray) and found.dtype == value.dtype
    np.testing.assert_array_equal(found, value)


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "lil", "dok"])
def test_sparse_matrices_come_back_as_csr(form: str) -> None:
    matrix = scipy.sparse.random(4, 6, density=0.4, random_state=0, format=form)
    found = there_and_back({"m": matrix})["m"]
    assert scipy.sparse.isspmatrix_csr(found) and found.shape == (4, 6)
    np.testing.assert_array_equal(found.toarray(), matrix.toarray())


def test_two_names_never_share_a_tensor() -> None:
    value = {
        "a": [torch.zeros(1), torch.ones(1)],
        "b": {"a": torch.full((1,), 2.0)},
        torch.full((1,), 3.0): torch.full((1,), 4.0),
    }
    tensors: dict[str, Tensor] = {}
    flatten(value, "x", tensors)
    assert sorted(t.item() for t in tensors.values()) == [0, 1, 2, 3, 4]


def test_a_stored_tensor_is_a_copy() -> None:
    value, tensors = torch.zeros(2), {}
    flatten(value, "x", tensors)
    value += 1
    assert tensors["x"].tolist() == [0, 0]


def test_modules_are_left_out() -> None:
    tensors: dict[str, Tensor] = {}
    assert unflatten(flatten([nn.Linear(1, 1), 1], "x", tensors), tensors) == [SKIPPED, 1]
    assert tensors == {}


@pytest.mark.parametrize(
    ("value", "kind"), [({1}, "set"), (object(), "object"), (1j, "complex"), (b"x", "bytes"), (print, "builtin")]
)
def test_what_cannot_be_held_is_refused_with_its_place(value: Any, kind: str) -> None:
    with pytest.raises(UsageError, match=rf"a checkpoint cannot hold other\.0\.1 of type {kind}"):
        flatten({"a": [1, value]}, "other", {})


def test_an_array_of_objects_is_refused() -> None:
    with pytest.raises(UsageError, match="a checkpoint cannot hold other of type ndarray"):
        flatten(np.array([object()]), "other", {})
