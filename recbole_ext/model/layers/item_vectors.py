"""Vectors of items: a learned one, and what is given of an item beside its id.

    v_j = a_j E_j + P x_j + what its fields give        see `item_fields.py`: summed or gated

x_j is a given vector (`item_vectors`). a_j is 1 or 0:

    added       P learned; a_j = 1
    projected   P learned; a_j = 1 only for items without x_j
    frozen      P = 1, x_j as it is given; a_j as for projected
    init        no P x_j; E_j begins as x_j and is trained

An item of no interaction in training has a_j = 0 where x_j or a field describes it, because its E_j would never be
trained. With P, x is centred and scaled to a mean square length of 1, so that a step of Adam moves P x as it moves E.

In training, a_j of the items that x_j or a field describes is 0 with probability `dropout` and 1 / (1 - dropout)
otherwise, drawn for each item and step, so that what describes an item is trained to stand alone, as it does for items
without interactions. Vectors that begin as x_j (init) are not dropped.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recbole_ext.errors import UsageError
from recbole_ext.model.layers.item_fields import FieldGate, field_table, mean_of

_STD = 0.02
PROJECTING = ("added", "projected")


@dataclass(frozen=True)
class Mixture:
    """How the parts of an item's vector become one.

    Attributes:
        vectors: `item_vectors_mode`: added, projected, frozen or init.
        fields: `item_fields_mode`: summed or gated.
        dropout: `item_vectors_dropout`, of a_j, in [0, 1).
    """

    vectors: str = "added"
    fields: str = "summed"
    dropout: float = 0.0

    @classmethod
    def read(cls, config: Any) -> "Mixture":
        """From a configuration."""
        vectors, fields = (str(config[f"item_{kind}_mode"]).lower() for kind in ("vectors", "fields"))
        return cls(vectors, fields, config["item_vectors_dropout"])


class ItemVectors(nn.Module):
    """Takes the place of an `nn.Embedding` of items; see the module's equations.

    Args:
        table: of E, initialised; row 0 is the padding item.
        given: x, (n_items, width), 0 where missing; None for none.
        has_vector: (n_items,) bool; None for none.
        mixture: see `Mixture`.
        fields: name -> (n_items,) or (n_items, m) int64 tokens of each item, 0 for none, and their number of values.
        trained: (n_items,) bool, items with interactions in training.

    Attributes:
        untrained: (n_items,) bool, items without, which x or a field describes; no candidates of training.

    Raises:
        UsageError: the width of x is not that of the model, which `frozen` and `init` need.
    """

    may_lack = ("table.weight",)
    """Weights that are there where an item has a_j = 1: a run that goes on with new items may have no earlier ones."""
    _vectors: Tensor | None
    _own: Tensor
    _dropped: Tensor
    _known: Tensor
    centre: Tensor
    length: Tensor

    def __init__(
        self,
        table: nn.Embedding,
        given: Tensor | None,
        has_vector: Tensor | None,
        mixture: Mixture,
        fields: dict[str, tuple[Tensor, int]],
        trained: Tensor,
    ) -> None:
        super().__init__()
        mode, width = mixture.vectors, table.embedding_dim
        self.num_embeddings, self.embedding_dim = table.num_embeddings, width
        known = torch.zeros(self.num_embeddings, dtype=torch.bool) if has_vector is None else has_vector
        described = known.clone()
        for values, _ in fields.values():
            described |= values > 0 if values.dim() == 1 else (values > 0).any(1)
        self.untrained = described & ~trained
        self._held: Tensor | None = None
        self.projection = None if given is None else self._projection_of(given, known, mode)
        own = self._owners(known, mode)
        with torch.no_grad():
            table.weight[self.untrained & ~own] = 0  # a run that goes on with their interactions begins with v as it is
            if given is not None and mode == "init":
                table.weight[known] = given[known]
        self.register_buffer("_vectors", None if mode == "init" else given, persistent=False)
        self.register_buffer("_own", own.float().unsqueeze(1), persistent=False)
        self.table = table if bool(own.any()) else None
        self.dropout = mixture.dropout
        dropped = described & ~known if mode == "init" else described
        self.register_buffer("_dropped", dropped.float().unsqueeze(1) * mixture.dropout, persistent=False)
        self.fields = nn.ModuleList()
        for number, (values, n_values) in enumerate(fields.values()):
            self.register_buffer(f"_values_{number}", values, persistent=False)
            self.fields.append(field_table(values[trained], n_values, width))
        self.gate = FieldGate(len(fields), width) if fields and mixture.fields == "gated" else None

    def _projection_of(self, given: Tensor, known: Tensor, mode: str) -> nn.Linear | None:
        """P where the mode has one; see the class."""
        self._check_width(given, mode)
        if mode not in PROJECTING:
            return None
        self._keep_scale(given, known)
        projection = nn.Linear(given.shape[1], self.embedding_dim, bias=False)
        nn.init.normal_(projection.weight, std=_STD)
        return projection

    def _owners(self, known: Tensor, mode: str) -> Tensor:
        """a_j as (n_items,) bool."""
        own = ~self.untrained
        if mode in ("frozen", "projected"):
            own = own & ~known
        if mode == "init":
            own = own | known
        own[0] = False
        return own

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
        training = self.training
        with torch.no_grad():
            weight = self.eval().weight.clone()
        self.train(training)
        return nn.Embedding.from_pretrained(weight, padding_idx=0)

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
        return self.projection((given - self.centre) / self.length) * known  # P x - P centre would lose its digits

    def _share_of_own(self, items: Tensor) -> Tensor:
        """a_j of (m,) items: (m, 1); with `dropout` another draw at each call in training."""
        own = self._own[items]
        if not (self.training and self.dropout):
            return own
        p = self._dropped[items]
        return own * (torch.rand_like(p) >= p) / (1 - p)

    def _of(self, items: Tensor) -> Tensor:
        """(m,) -> (m, embedding_dim)."""
        found = self._own.new_zeros(len(items), self.embedding_dim)
        if self.table is not None:
            found = self.table(items) * self._share_of_own(items)
        if self._vectors is not None:
            given = self._vectors[items]
            found = found + (given if self.projection is None else self._projected(given, self._known[items]))
        of_fields = [mean_of(table, getattr(self, f"_values_{k}")[items]) for k, table in enumerate(self.fields)]
        if self.gate is not None:
            return self.gate(found, of_fields)
        for of_field in of_fields:
            found = found + of_field
        return found


def item_table(config: Any, dataset: Any, table: nn.Embedding, field_names: Any = ()) -> "nn.Embedding | ItemVectors":
    """The table itself, or with given vectors or fields what takes its place.

    Args:
        config: see `Mixture`.
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
    return ItemVectors(table, vectors, has, Mixture.read(config), fields, dataset.trained_items())
