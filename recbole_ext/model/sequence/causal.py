"""What SS4Rec and Mamba4Rec share: items in, one score per item and position out, and the losses.

A causal model's output at position k depends on events up to k alone. That is what allows training on all
positions of a window at once, and what the prefix mode, the prediction of one row and the full ranking
reuse: each of them reads the position of the last event.
"""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from recbole.model.abstract_recommender import SequentialRecommender
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from recbole_ext.errors import UsageError
from recbole_ext.model.layers.item_vectors import ItemVectors, item_table
from recbole_ext.model.sequence.catalogue import Catalogue
from recbole_ext.model.sequence.event_fields import EventFields
from recbole_ext.model.sequence.history_term import HistoryItems, history_term_of
from recbole_ext.model.sequence.losses import full_cross_entropy, generalised_bce, pairwise_loss, sampled_softmax
from recbole_ext.model.sequence.negatives import SharedNegatives

POSITIONS_AT_ONCE = 2**13
"""Positions encoded together in evaluation on a CPU; 64 times as many elsewhere."""
LOSSES = ("CE", "BPR", "sampled_softmax", "gBCE")


@dataclass(frozen=True)
class Events:
    """A batch of histories, padded with item 0 on the right.

    Attributes:
        items: (B, L) int64.
        times: (B, L) int64 seconds.
        next_times: (B, L) int64, time of the event after each one; at the last event of a prefix row it is
            the target's time.
        length: (B,) int64.
        fields: (B, L) values of each of `event_fields`; () for models that read none.
    """

    items: Tensor
    times: Tensor
    next_times: Tensor
    length: Tensor
    fields: tuple[Tensor, ...] = ()

    def take(self, rows: Tensor) -> "Events":
        """Some rows, as wide as the longest of them."""
        length = self.length[rows]
        width = int(length.max())
        fields = tuple(of[rows, :width] for of in self.fields)
        return Events(self.items[rows, :width], self.times[rows, :width], self.next_times[rows, :width], length, fields)


@dataclass(frozen=True)
class Targets:
    """What a batch's states should predict.

    Attributes:
        has_target: (B, L) or (B,) bool, the positions or rows with a target; n of them.
        items: (n,) int64.
        negatives: (n,) int64, a sampled item for each target, for BPR, or (n, K) of them.
        weights: (n,) float, or None for ones.
    """

    has_target: Tensor
    items: Tensor
    negatives: Tensor | None
    weights: Tensor | None


def similar_lengths(length: Tensor) -> list[Tensor]:
    """Cut rows, from short to long, into parts of about POSITIONS_AT_ONCE padded positions.

    Nothing is computed for padding this way, and what a part needs stays in a CPU's cache.

    Args:
        length: (B,) int64.

    Returns:
        Row numbers, each once.
    """
    order = torch.argsort(length)
    held = POSITIONS_AT_ONCE * (1 if length.device.type == "cpu" else 64)
    parts = (length[order].cumsum(0) - 1) // held
    return list(order.split(torch.unique_consecutive(parts, return_counts=True)[1].tolist()))


def without_padding(length: Tensor, states: Callable[[Tensor], Tensor]) -> Tensor:
    """What rows of similar lengths give, computed together, in the order of all rows.

    Args:
        length: (B,) int64.
        states: of some rows, (n,) numbers of them -> (n, H).

    Returns:
        (B, H).
    """
    parts = similar_lengths(length)
    return torch.cat([states(rows) for rows in parts])[torch.cat(parts).argsort()]


class CausalRecommender(SequentialRecommender):
    """Base of the sequence models of this package; a subclass defines `encode`.

    Args:
        config: needs `hidden_size`, `dropout_prob`, `loss_type` and the keys of sampled losses.
        dataset: the training split; for the number of items and their popularity.

    Raises:
        UsageError: an unknown loss, or settings of its negatives that cannot be met.
    """

    causal = reads_item_vectors = True
    grows = True
    """A run may go on from another one with more items: see `pipeline/start_weights.py`."""
    field_keys: tuple[str, ...] = ("item_fields",)
    """Which of `item_fields` and `event_fields` the model reads."""
    weight_field = "sample_weight"
    """The field of a batch that holds the weights of the targets, where they have any."""

    def __init__(self, config: Any, dataset: Any) -> None:
        super().__init__(config, dataset)
        self.timed = dataset.timed
        self.time_field = config["TIME_FIELD"]
        self.time_list = self.time_field + config["LIST_SUFFIX"]
        self.loss_type = config["loss_type"]
        if self.loss_type not in LOSSES:
            raise UsageError(f"loss_type must be one of {', '.join(LOSSES)} (got {self.loss_type!r})")
        self.label_smoothing, self.embedding_l2 = config["label_smoothing"], config["embedding_l2"]
        if self.label_smoothing and self.loss_type != "CE":
            raise UsageError(f"label_smoothing goes with loss_type CE alone (got {self.loss_type!r}); leave it out")
        self.list_suffix = config["LIST_SUFFIX"]
        self.weight_list = self.weight_field + self.list_suffix
        self.event_fields: EventFields | None = None
        self.checkpointing = bool(config["gradient_checkpointing"])
        self.calibration = config["gbce_calibration"]
        sparse = bool(config["sparse_embedding"]) and self.loss_type != "CE"
        table = nn.Embedding(self.n_items, config["hidden_size"], padding_idx=0, sparse=sparse)
        nn.init.normal_(table.weight, std=0.02)
        with torch.no_grad():
            table.weight[0].zero_()
        self.item_embedding: nn.Embedding | ItemVectors = item_table(
            config, dataset, table, config["item_fields"] or ()
        )
        excluded = getattr(self.item_embedding, "untrained", None)
        self.catalogue = Catalogue(self.n_items, excluded)
        self.negatives: SharedNegatives | None = None
        if self.loss_type in ("sampled_softmax", "gBCE"):
            distribution = config["negative_distribution"], config["negative_alpha"]
            self.negatives = SharedNegatives(dataset, config["n_negatives"], *distribution, excluded)
        self.history_term = history_term_of(config, dataset, config["hidden_size"])

    def fix_items(self) -> None:
        """Replace what makes the vectors of items by the vectors, for a model that is asked and not trained further."""
        if isinstance(self.item_embedding, ItemVectors):
            self.item_embedding = self.item_embedding.fixed()

    def through(self, block: nn.Module, *inputs: Tensor) -> Tensor:
        """block(*inputs); with `gradient_checkpointing`, its inner tensors are computed again in the backward pass."""
        if self.checkpointing and torch.is_grad_enabled():
            return checkpoint(block, *inputs, use_reentrant=False)
        return block(*inputs)

    def encode(self, events: Events) -> Tensor:
        """Hidden state after each event.

        Returns:
            (B, L, hidden_size); positions at and after the padding are arbitrary.
        """
        raise NotImplementedError(f"{type(self).__name__} must define encode")

    def forward(self, events: Events) -> Tensor:
        """See `encode`; (B, L, hidden_size)."""
        return self.encode(events)

    def read(self, interaction: Any) -> Events:
        """Histories of prefix rows (`timestamp` is the target's time) or windows (`next_timestamp_list`).

        Data may have no times, which are 0 then.
        """
        items, length = interaction[self.ITEM_SEQ], interaction[self.ITEM_SEQ_LEN]
        fields = self.read_fields(interaction)
        if self.time_list not in interaction:
            return Events(items, torch.zeros_like(items), torch.zeros_like(items), length, fields)
        times = interaction[self.time_list]
        if f"next_{self.time_list}" in interaction:
            return Events(items, times, interaction[f"next_{self.time_list}"], length, fields)
        following = torch.cat([times[:, 1:], times[:, -1:]], dim=1)
        last = times.gather(1, (length - 1).unsqueeze(1))
        known = self.time_field in interaction
        target_time = interaction[self.time_field].to(times.dtype).unsqueeze(1) if known else last
        return Events(items, times, following.scatter(1, (length - 1).unsqueeze(1), target_time), length, fields)

    def read_fields(self, interaction: Any) -> tuple[Tensor, ...]:
        """(B, L) values of each of `event_fields`, for models that read them."""
        names = () if self.event_fields is None else self.event_fields.names
        return tuple(interaction[f"{name}{self.list_suffix}"] for name in names)

    def last_hidden(self, interaction: Any) -> Tensor:
        """(B, hidden_size): the state after the last event of each row."""
        events = self.read(interaction)
        if torch.is_grad_enabled():
            return self._at_last(events)
        hidden = without_padding(events.length, lambda rows: self._at_last(events.take(rows)))
        return hidden.to(next(self.parameters()).dtype)

    def _at_last(self, events: Events) -> Tensor:
        return self.gather_indexes(self(events), events.length - 1)

    def calculate_loss(self, interaction: Any) -> Tensor:
        """Mean loss over the batch's targets: () float.

        The padding item takes part neither as a target nor as a candidate.
        """
        with self._all_items(self.loss_type == "CE"):
            return self._loss_of(interaction)

    def _all_items(self, wanted: bool = True) -> Any:
        """Within it, vectors of items that are made of several parts are computed once, for all items."""
        return self.item_embedding.held() if wanted and isinstance(self.item_embedding, ItemVectors) else nullcontext()

    def _loss_of(self, interaction: Any) -> Tensor:
        targets = self._targets(interaction)
        windows = targets.has_target.dim() == 2
        hidden = self(self.read(interaction))[targets.has_target] if windows else self.last_hidden(interaction)
        loss = self._loss(hidden, targets, self._history(interaction, targets.has_target))
        return loss + self.embedding_l2 * self._mean_square(interaction, targets) if self.embedding_l2 else loss

    def _targets(self, interaction: Any) -> Targets:
        """Of windows: every position's next item; of prefix rows: the row's item."""
        item, *others = self.POS_ITEM_ID, self.NEG_ITEM_ID, self.weight_field
        if f"next_{self.ITEM_SEQ}" in interaction:
            item, *others = f"next_{self.ITEM_SEQ}", f"neg_next_{self.ITEM_SEQ}", f"next_{self.weight_list}"
        has_target = interaction[item] > 0
        negatives, weights = (interaction[name][has_target] if name in interaction else None for name in others)
        return Targets(has_target, interaction[item][has_target], negatives, weights)

    def _history(self, interaction: Any, has_target: Tensor | None = None) -> HistoryItems | None:
        return None if self.history_term is None else self.history_term.history(interaction, has_target)

    def _loss(self, hidden: Tensor, targets: Targets, history: HistoryItems | None) -> Tensor:
        """Mean loss of (n, hidden_size) states: ()."""
        items, weights = targets.items, targets.weights
        if self.loss_type == "CE":
            logits = self.history_term(hidden) if self.history_term is not None else None
            candidates, places, past = self.catalogue.candidates(self.item_embedding.weight, items, history)
            return full_cross_entropy(hidden, candidates, places, weights, self.label_smoothing, logits, past)
        if self.loss_type == "BPR":
            assert targets.negatives is not None
            both = torch.cat([items.unsqueeze(1), targets.negatives.view(len(items), -1)], 1)
            scores = self._score(hidden, both, history)
            return pairwise_loss(scores[:, 0], scores[:, 1:].view(targets.negatives.shape), weights)
        assert self.negatives is not None
        drawn = self.negatives()
        positive, negative = self._score(hidden, items, history), hidden @ self.item_embedding(drawn).T
        if history is not None and self.history_term is not None:
            negative = self.history_term.add_to_shared(negative, hidden, history, drawn)
        if self.loss_type == "gBCE":
            return generalised_bce(positive, negative, items, drawn, self.catalogue.size, self.calibration, weights)
        return sampled_softmax(positive, negative, items, drawn, self.negatives.log_share, weights)

    def _mean_square(self, interaction: Any, targets: Targets) -> Tensor:
        """Mean squared length of the embeddings of the batch's items, each once: ()."""
        items = torch.unique(torch.cat([interaction[self.ITEM_SEQ].flatten(), targets.items]))
        return self.item_embedding(items[items > 0]).square().sum(1).mean()

    def _score(self, hidden: Tensor, items: Tensor, history: HistoryItems | None = None) -> Tensor:
        """(n, hidden_size), (n,) or (n, K) -> (n,) or (n, K) scores, with the term of a history if given."""
        states = hidden if items.dim() == 1 else hidden.unsqueeze(1)
        scores = (states * self.item_embedding(items)).sum(-1)
        if history is None or self.history_term is None:
            return scores
        return self.history_term.add_to_items(scores, hidden, history, items)

    def predict(self, interaction: Any) -> Tensor:
        """Score of each row's `item_id`: (B,)."""
        return self._score(self.last_hidden(interaction), interaction[self.ITEM_ID], self._history(interaction))

    def full_sort_predict(self, interaction: Any) -> Tensor:
        """Scores of all items, the padding item included as RecBole expects: (B, n_items)."""
        with self._all_items():
            hidden = self.last_hidden(interaction)
            scores = hidden @ self.item_embedding.weight.T
        return scores if self.history_term is None else self.history_term.add(scores, hidden, interaction)
