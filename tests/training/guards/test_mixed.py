import pytest
import torch

from recbole_ext.errors import UsageError
from recbole_ext.training.guards.mixed import computable


def sparse_product_in_bf16() -> None:
    """What LightGCN does in training: a product of a sparse matrix, forward and back."""
    graph = torch.sparse_coo_tensor(torch.tensor([[0, 1], [1, 0]]), torch.ones(2), (2, 2))
    table = torch.ones(2, 2, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = torch.sparse.mm(graph, table).sum() + (table @ table).sum()
    loss.backward()


def test_what_torch_cannot_compute_is_an_error_of_the_precision() -> None:
    message = "precision: bf16 cannot be used with LightGCN on this device .*leave precision out"
    with pytest.raises(UsageError, match=message), computable("LightGCN", "bf16"):
        sparse_product_in_bf16()


@pytest.mark.parametrize(("precision", "text"), [("float32", "found dtype BFloat16"), ("bf16", "sizes do not match")])
def test_other_errors_stay_what_they_are(precision: str, text: str) -> None:
    with pytest.raises(RuntimeError, match=text), computable("LightGCN", precision):
        raise RuntimeError(text)
