"""Vectors of users and items: one per id and one per attribute, also for attributes with several values."""

from typing import Any

import torch
from torch import Tensor, nn

from recbole_ext.model.layers.item_vectors import item_table
from recbole_ext.names import part_name

_STD = 0.05


def embedding(n_values: int, width: int, seen: Tensor, sparse: bool = False) -> nn.Embedding:
    """An embedding whose value 0, and every value that training does not have, is the zero vector.

    Args:
        n_values: number of values, 0 included.
        width: of a vector.
        seen: (m,) int64, the values that training has.
        sparse: give sparse gradients.
    """
    table = nn.Embedding(n_values, width, padding_idx=0, sparse=sparse)
    known = torch.zeros(n_values, 1)
    known[seen] = 1
    known[0] = 0
    with torch.no_grad():
        table.weight.normal_(std=_STD).mul_(known)
    return table


class EntityFields(nn.Module):
    """All vectors of users, or of items.

        vectors(e) = [E_id[e], E_attribute[a_e] for a token, mean of E over the tokens of a list, (a_e - m) / s w
        for a number]

    Args:
        config: `embedding_size`, `sparse_embedding`, `item_vectors_mode`.
        dataset: the training split.
        side: `user` or `item`; E_id of an item has what `recbole_ext.model.layers.item_vectors` adds.
    """

    def __init__(self, config: Any, dataset: Any, side: str) -> None:
        super().__init__()
        width = config["embedding_size"]
        self.id_field = dataset.uid_field if side == "user" else dataset.iid_field
        table = getattr(dataset, f"{side}_feat")
        ids = torch.unique(dataset.inter_feat[self.id_field])
        columns = {name: table[name] for name in table if name != self.id_field} if table is not None else {}
        own = embedding(dataset.num(self.id_field), width, ids, bool(config["sparse_embedding"]))
        self.id = item_table(config, dataset, own) if side == "item" else own
        self.tokens, self.numbers = nn.ModuleDict(), nn.ParameterDict()
        for name, column in columns.items():
            part = part_name(name)
            self.register_buffer(part, _standardised(column, ids), persistent=False)
            if column.dtype == torch.int64:
                values = torch.unique(column[ids])
                self.tokens[part] = embedding(dataset.num(name), width, values)
            elif column.dim() == 1:
                self.numbers[part] = nn.Parameter(torch.randn(width) * _STD)
        self.n_vectors = 1 + len(self.tokens) + len(self.numbers)

    def forward(self, ids: Tensor) -> Tensor:
        """(n,) int64 -> (n, number of fields, width)."""
        vectors = [self.id(ids)]
        for part, table in self.tokens.items():
            values = self.get_buffer(part)[ids]
            vectors.append(table(values) if values.dim() == 1 else mean_of_values(table, values))
        vectors += [self.get_buffer(part)[ids].unsqueeze(1) * weight for part, weight in self.numbers.items()]
        return torch.stack(vectors, dim=1)


def mean_of_values(table: nn.Module, values: Tensor) -> Tensor:
    """(n, m) int64 padded with 0 -> (n, width), 0 for an empty list."""
    counts = (values > 0).sum(1, keepdim=True).clamp(min=1)
    return table(values).sum(1) / counts


def _standardised(column: Tensor, ids: Tensor) -> Tensor:
    """Numbers with mean 0 and deviation 1 over the entities of training; others as they are."""
    if not column.is_floating_point() or column.dim() > 1:
        return column
    known = column[ids]
    return ((column - known.mean()) / known.std(unbiased=False).clamp(min=1e-6)).clamp(-5, 5)
