"""Vectors of items: a learned one, and what is given of an item beside its id.

    v_j = a_j E_j + P x_j + sum over fields f of the mean of A_f over the tokens of item j

x_j is a given vector (`item_vectors`), A_f the table of an item field (`item_fields`). a_j is 1 or 0:

    added       P learned; a_j = 1
    projected   P learned; a_j = 1 only for items without x_j
    frozen      P = 1, x_j as it is given; a_j as for projected
    init        no P x_j; E_j begins as x_j and is trained

An item of no interaction in training has a_j = 0 where x_j or a field describes it, because its E_j would never be
trained. With P, x is centred and scaled to a mean square length of 1, so that a step of Adam moves P x as it moves E.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recbole_ext.errors import UsageError

_STD = 0.02
PROJECTING = ("added", "projected")


class ItemVectors(nn.Module):
    """Takes the place of an `nn.Embedding` of items; see the module's equations.

    Args:
        table: of E, initialised; row 0 is the padding item.
        given: x, (n_items, width), 0 where missing; None for none.
        has_vector: (n_items,) bool; None for none.
        mode: added, projected, frozen or init.
        fields: name -> (n_items,) or (n_items, m) int64 tokens of each item, 0 for none, and their number of values.
        trained: (n_items,) bool, items with interactions in training.

    Attributes:
        untrained: (n_items,) bool, items without, which x or a field describes; no candidates of training.

    Raises:
        UsageError: the width of x is not that of the model, which `frozen` and `init` need.
    """

    _vectors: Tensor | None
    _own: Tensor
    _known: Tensor
    centre: Tensor
    length: Tensor

    def __init__(
        self,
        table: nn.Embedding,
        given: Tensor | None,
        has_vector: Tensor | None,
        mode: str,
        fields: dict[str, tuple[Tensor, int]],
        trained: Tensor,
    ) -> None:
        super().__init__()
        self.num_embeddings, self.embedding_dim = table.num_embeddings, table.embedding_dim
        none = torch.zeros(self.num_embeddings, dtype=torch.bool)
        known = none if has_vector is None else has_vector
        described = known.clone()
        for values, _ in fields.values():
            described |= values > 0 if values.dim() == 1 else (values > 0).any(1)
        self.untrained = described & ~trained
        self._held: Tensor | None = None
        self.projection: nn.Linear | None = None
        if given is not None:
            self._check_width(given, mode)
            if mode in PROJECTING:
                self._keep_scale(given, known)
                self.projection = nn.Linear(given.shape[1], self.embedding_dim, bias=False)
                nn.init.normal_(self.projection.weight, std=_STD)
        own = ~self.untrained
        if given is not None and mode in ("frozen", "projected"):
            own = own & ~known
        if given is not None and mode == "init":
            own = own | known
            with torch.no_grad():
                table.weight[known] = given[known]
        own[0] = False
        self.register_buffer("_vectors", None if mode == "init" else given, persistent=False)
        self.register_buffer("_own", own.float().unsqueeze(1), persistent=False)
        self.table = table if bool(own.any()) else None
        self.fields = nn.ModuleList()
        for number, (values, n_values) in enumerate(fields.values()):
            self.register_buffer(f"_values_{number}", values, persistent=False)
            self.fields.append(_table_of(values[trained], n_values, self.embedding_dim))

    def _check_width(self, given: Tensor, mode: str) -> None:
        if given.shape[1] != self.embedding_dim and mode not in PROJECTING:
            raise UsageError(
                f"item_vectors_mode: {mode} needs vectors of the model's width {self.embedding_dim}, and these have "
                f"{given.shape[1]}; take added or projected, or set the model's width"
            )

    def forward(self, items: Tensor) -> Tensor:
        """(...) int64 -> (..., embedding_dim); each item is computed once."""
        if self._held is not None:
            return F.embedding(items, self._held)
        found, place = torch.unique(items, return_inverse=True)
        return F.embedding(place, self._of(found))

    @property
    def weight(self) -> Tensor:
        """(n_items, embedding_dim): the vectors of all items."""
        if self._held is not None:
            return self._held
        return self._of(torch.arange(self.num_embeddings, device=self._own.device))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within it the vectors of all items are computed once, with gradients where they are on."""
        self._held = self.weight
        try:
            yield
        finally:
            self._held = None

    def fixed(self) -> nn.Embedding:
        """The vectors as they are now, as a plain table."""
        with torch.no_grad():
            return nn.Embedding.from_pretrained(self.weight.clone(), padding_idx=0)

    def _keep_scale(self, given: Tensor, known: Tensor) -> None:
        """Centre and root of the mean square length of the given vectors; part of the weights, as P depends on them."""
        centre = given[known].mean(0)
        length = (given[known] - centre).square().sum(1).mean().sqrt().clamp(min=1e-12)
        self.register_buffer("centre", centre)
        self.register_buffer("length", length)
        self.register_buffer("_known", known.float().unsqueeze(1), persistent=False)

    def _projected(self, given: Tensor, known: Tensor) -> Tensor:
        """P (x - centre) / length (m, embedding_dim) of x (m, width); 0 where it is not known (m, 1)."""
        assert self.projection is not None
        return (self.projection(given) - self.projection(self.centre)) / self.length * known

    def _of(self, items: Tensor) -> Tensor:
        """(m,) -> (m, embedding_dim)."""
        found = self._own.new_zeros(len(items), self.embedding_dim)
        if self.table is not None:
            found = self.table(items) * self._own[items]
        if self._vectors is not None:
            given = self._vectors[items]
            found = found + (given if self.projection is None else self._projected(given, self._known[items]))
        for number, table in enumerate(self.fields):
            found = found + _mean_of(table, getattr(self, f"_values_{number}")[items])
        return found


def _table_of(values: Tensor, n_values: int, width: int) -> nn.Embedding:
    """A table of tokens; those that no item of training has, and none, are the zero vector."""
    table = nn.Embedding(n_values, width, padding_idx=0)
    seen = torch.zeros(n_values, 1)
    seen[values.flatten()] = 1
    seen[0] = 0
    with torch.no_grad():
        table.weight.normal_(std=_STD).mul_(seen)
    return table


def _mean_of(table: Any, values: Tensor) -> Tensor:
    """Of each row's tokens (m,), or the mean over a list of them (m, l), 0 for an empty one: (m, width)."""
    if values.dim() == 1:
        return table(values)
    return F.embedding_bag(values, table.weight, mode="mean", padding_idx=0)


def item_table(config: Any, dataset: Any, table: nn.Embedding, field_names: Any = ()) -> "nn.Embedding | ItemVectors":
    """The table itself, or with given vectors or fields what takes its place.

    Args:
        config: `item_vectors_mode`.
        dataset: the training split.
        table: of the ids, initialised.
        field_names: of the token columns of items that are read.

    Raises:
        UsageError: see `ItemVectors`.
    """
    given = getattr(dataset, "item_vectors", None)
    if given is None and not field_names:
        return table
    fields = {name: (dataset.item_feat[name].long(), dataset.num(name)) for name in field_names}
    vectors = None if given is None else torch.from_numpy(given)
    has = None if given is None else torch.from_numpy(dataset.has_vector)
    return ItemVectors(table, vectors, has, str(config["item_vectors_mode"]).lower(), fields, dataset.trained_items())
