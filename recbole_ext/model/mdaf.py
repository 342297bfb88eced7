"""Multi-branch dual attention fusion for click-through prediction: what MDAFMamba and MDAFBST share.

    fields      = [user, item and context vectors, hour, weekday, implicit sets]                     (F, d)
    static      = W [ECN(fields), LCN(fields)],   with the two logits of DCNv3
    states      = encoder(history of items, behaviours and time gaps)
    readout     = target attention of the item over the states
    summary     = attention of the fields over the readout's heads
    sequential  = MLP [readout, item, readout * item, last state, summary]
    fused       = gate_static * static + (1 - gate_static) * sequential
    match       = T[how often the item, and each of its attributes, is in the history], of the sequential branch
    sets        ~ N(mean, variance), a factorisation machine of Gaussian vectors (set_branch.py)
    p           = sigmoid(sets + MLP fused + match)
    loss        = BCE + sum over branches of max(0, L_branch - L) L_branch + KL

A branch that is switched off adds nothing. Without one of the two that the gate weighs, MLP fused is replaced by the
mean of DCNv3's two logits, or by the sequential branch's logit. T is initialised with the log-odds of the click rates
in the training split (`recbole_ext.tasks.clicks.matches`).

Source: DCNv3 (arXiv 2407.13349) for the static branch and Tri-BCE; Deep Interest Network (Zhou et al. 2018) and
Behavior Sequence Transformer (Chen et al. 2019) for reading a history by the target.
Differs from source: Tri-BCE's weights are constants to the gradient, and the sequential branch is a third part of it.
"""

from dataclasses import dataclass
from typing import Any

import torch
from recbole.model.abstract_recommender import AbstractRecommender
from recbole.utils import InputType, ModelType
from torch import Tensor, nn
from torch.nn import functional as F

from recbole_ext.config.key_settings import KeySettings
from recbole_ext.model.click.dcnv3 import CrossNetwork
from recbole_ext.model.click.gate import Gate, fuse
from recbole_ext.model.click.history_encoder import HistoryEncoder
from recbole_ext.model.click.row_fields import RowFields
from recbole_ext.model.click.set_branch import SetBranch
from recbole_ext.model.click.target_attention import CrossBranchAttention, Reading, TargetAttention
from recbole_ext.model.layers.dropout import Dropout
from recbole_ext.model.layers.likelihood import averaged, sampled


@dataclass(frozen=True)
class Settings(KeySettings):
    """What the forward pass asks for; the fields are keys of MDAFMamba.yaml and MDAFBST.yaml."""

    branches: list[str]
    target_attention: bool
    cross_attention: bool
    matches: bool
    tri_bce: bool
    label_smoothing: float
    embedding_l2: float
    set_kl_weight: float


@dataclass(frozen=True)
class Prediction:
    """One batch.

    Attributes:
        logit: (R,) of the whole model.
        of_branches: further logits (R,) by name, for Tri-BCE.
        gate_static: (R, 1) or (R, H) weight of the static branch; None without a gate.
        fields: (R, F, d); None with the sets alone.
    """

    logit: Tensor
    of_branches: dict[str, Tensor]
    gate_static: Tensor | None
    fields: Tensor | None


class StaticBranch(nn.Module):
    """DCNv3 over all fields: (R, F, d) -> (R, H) and its two logits."""

    def __init__(self, config: Any, n_fields: int) -> None:
        super().__init__()
        width, dropout = n_fields * config["embedding_size"], config["dropout_prob"]
        self.exponential = CrossNetwork(width, config["ecn_layers"], True, dropout)
        self.linear = CrossNetwork(width, config["lcn_layers"], False, dropout)
        self.out = nn.Linear(2 * width, config["hidden_size"])

    def forward(self, fields: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """(R, F, d) -> (R, H), logits (R,) of ECN and LCN."""
        x = fields.flatten(1)
        (exponential, ecn), (linear, lcn) = self.exponential(x), self.linear(x)
        return self.out(torch.cat([exponential, linear], dim=1)), {"ecn": ecn, "lcn": lcn}


class SequentialBranch(nn.Module):
    """The history, read by the candidate, and seen from the fields: -> (R, H) and its logit."""

    def __init__(self, config: Any, settings: Settings, fields: RowFields, n_behaviours: int) -> None:
        super().__init__()
        width, heads, field = config["hidden_size"], config["attention_heads"], config["embedding_size"]
        self.encoder = HistoryEncoder(config, fields.item_width, n_behaviours, config["encoder"])
        self.target = nn.Linear(fields.item_width, width)
        self.read = self.cross = None
        if settings.target_attention:
            self.read = TargetAttention(width, heads, config["MAX_ITEM_LIST_LENGTH"])
        if settings.cross_attention:
            self.cross = CrossBranchAttention(field, width // heads)
        self.heads = heads
        inputs = (4 if self.read is not None else 3) * width + (field if self.cross is not None else 0)
        self.mix = nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), Dropout(config["dropout_prob"]))
        self.out, self.logit = nn.Linear(width, width), nn.Linear(width, 1)

    def forward(self, items: Tensor, rows: Any, row_items: Tensor, fields: Tensor) -> tuple[Tensor, Tensor]:
        """Read the histories of a batch.

        Args:
            items: (S, L, item_width), the vectors of the events' items.
            rows: the batch; see `recbole_ext.tasks.clicks.batches`.
            row_items: (R, item_width), those of the candidates.
            fields: (R, F, d).

        Returns:
            (R, H) and the logit (R,).
        """
        times = rows["history_time"]
        states = self.encoder(items, rows["history_behaviour"], times)
        reading = Reading(rows["history"], rows["slot"], rows["visible"], rows["time"])
        target, last = self.target(row_items), reading.last_state(states)
        tokens = last.view(len(last), self.heads, -1)
        parts = [target, last, last * target]
        if self.read is not None:
            tokens = self.read(target, states, times, reading)
            readout = tokens.flatten(1)
            parts = [target, last, readout, readout * target]
        if self.cross is not None:
            parts.append(self.cross(fields, tokens))
        mixed = self.mix(torch.cat(parts, dim=1))
        return self.out(mixed), self.logit(mixed).squeeze(1)


def match_table(rates: Tensor) -> nn.Embedding:
    """Log-odds of click rates (n_cells,), to be trained on."""
    return nn.Embedding.from_pretrained(torch.logit(rates).float().unsqueeze(1), freeze=False)


class MDAF(AbstractRecommender):
    """See the module's equations; settings in `properties/model/MDAFMamba.yaml` and `MDAFBST.yaml`."""

    type, input_type = ModelType.CONTEXT, InputType.POINTWISE
    reads_item_vectors = True

    def __init__(self, config: Any, dataset: Any) -> None:
        super().__init__()
        self.settings = Settings.read(config)
        width, names = config["hidden_size"], set(self.settings.branches)
        self.fields = self.static = self.sequential = self.gate = self.match = None
        if names != {"sets"}:
            self.fields = fields = RowFields(config, dataset)
            if "static" in names:
                self.static = StaticBranch(config, fields.n_fields)
            if "sequential" in names:
                self.sequential = SequentialBranch(config, self.settings, fields, dataset.n_behaviours)
                self.match = match_table(dataset.match_rates()) if self.settings.matches else None
        self.sets = SetBranch(config, dataset) if "sets" in names else None
        if names >= {"static", "sequential"}:
            self.gate = Gate(config["gate"], width)
            self.head = nn.Sequential(
                nn.ReLU(), Dropout(config["dropout_prob"]), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1)
            )

    def forward(self, rows: Any) -> Prediction:
        """A batch of R rows -> logits (R,); see `recbole_ext.tasks.clicks.batches` for its fields."""
        if self.fields is None:
            fused = Prediction(rows["label"].new_zeros(()), {}, None, None)
        else:
            fused = self._fused(rows, self.fields)
        if self.sets is None:
            return fused
        mean, variance = self.sets(rows)
        logit = mean + fused.logit
        logit = sampled(logit, variance) if self.training else averaged(logit, variance)
        others = fused.of_branches if self.fields is None else {"fused": fused.logit, **fused.of_branches}
        return Prediction(logit, others, fused.gate_static, fused.fields)

    def _fused(self, rows: Any, row_fields: RowFields) -> Prediction:
        """The outputs of the static and the sequential branch."""
        fields, row_items, items = row_fields(rows)
        logits: dict[str, Tensor] = {}
        static = sequential = None
        if self.static is not None:
            static, logits = self.static(fields)
        if self.sequential is not None:
            sequential, logit = self.sequential(items, rows, row_items, fields)
            match = logit * 0 if self.match is None else self.match(rows["match"]).squeeze(1)
            logits["sequential"] = logit + match
        if static is None:
            return Prediction(logits.pop("sequential"), {}, None, fields)
        if sequential is None:
            return Prediction((logits["ecn"] + logits["lcn"]) / 2, logits, None, fields)
        assert self.gate is not None
        gate_static = self.gate(static, sequential)
        logit = self.head(fuse(gate_static, static, sequential)).squeeze(1) + match
        return Prediction(logit, logits, gate_static, fields)

    def calculate_loss(self, rows: Any) -> Tensor:
        """Mean loss of a batch: ()."""
        predicted = self.forward(rows)
        smoothing = self.settings.label_smoothing
        labels = rows["label"] * (1 - smoothing) + smoothing / 2
        loss = F.binary_cross_entropy_with_logits(predicted.logit, labels)
        total = loss
        if self.settings.tri_bce:
            for logit in predicted.of_branches.values():
                part = F.binary_cross_entropy_with_logits(logit, labels)
                total = total + (part - loss).detach().clamp(min=0) * part
        if self.sets is not None:
            total = total + self.settings.set_kl_weight * self.sets.kl()
        if self.settings.embedding_l2 and predicted.fields is not None:
            total = total + self.settings.embedding_l2 * predicted.fields.square().sum(2).mean()
        return total

    def predict(self, rows: Any) -> Tensor:
        """Click probabilities (R,)."""
        return torch.sigmoid(self.forward(rows).logit)

    def predict_with_gate(self, rows: Any) -> tuple[Tensor, Tensor | None]:
        """Click probabilities (R,), and the mean weight (R,) of the static branch, None with one branch."""
        predicted = self.forward(rows)
        gate = predicted.gate_static
        return torch.sigmoid(predicted.logit), None if gate is None else gate.mean(1)
