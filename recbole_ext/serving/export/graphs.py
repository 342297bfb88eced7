"""The modules that become ONNX graphs: the encoder, one recurrent step, and the scores of all items."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from recbole_ext.model.layers.gap_bucket import GAP_BUCKETS, gap_bucket
from recbole_ext.model.mamba4rec import Mamba4Rec, Mamba4RecBlock
from recbole_ext.model.sequence.gaps import steps_of
from recbole_ext.model.sequence.history_groups import Past
from recbole_ext.model.sequence.history_term import HistoryTerm
from recbole_ext.model.ss4rec import BlockState, SS4Rec, SS4RecBlock
from recbole_ext.serving.export.real_scan import mamba_over, s5_over
from recbole_ext.ssm.mamba import MambaState

Recurrent = SS4Rec | Mamba4Rec
_NONE = BlockState()


def reads_gaps(model: Any) -> bool:
    """Whether the times between events have an effect."""
    has_s5 = isinstance(model, SS4Rec) and any(block.s5 is not None for block in model.blocks)
    return has_s5 and bool(model.step_settings.use_gaps)


def bucket_bounds() -> Tensor:
    """(GAP_BUCKETS - 1,) float32: the smallest gap of each bucket after the first.

    They are found by bisection over the bits of floats, so that comparisons give the buckets of `gap_bucket` to the
    bit, where another library's logarithm would not.
    """
    wanted = torch.arange(1, GAP_BUCKETS)
    low, high = np.zeros(len(wanted), dtype=np.int32), np.full(len(wanted), 0x7F000000, dtype=np.int32)
    while (high - low > 1).any():
        middle = low + (high - low) // 2
        reached = (gap_bucket(torch.from_numpy(middle.view(np.float32))) >= wanted).numpy()
        low, high = np.where(reached, low, middle).astype(np.int32), np.where(reached, middle, high).astype(np.int32)
    return torch.from_numpy(high.view(np.float32).copy())


class Recurrence(nn.Module):
    """The layers of SS4Rec or Mamba4Rec over a window, in operations that ONNX has.

    Args:
        model: in evaluation mode.
        longest: events of the longest window.
    """

    bounds: Tensor

    def __init__(self, model: Recurrent, longest: int) -> None:
        super().__init__()
        self.model, self.rounds, self.gapped = model, math.ceil(math.log2(max(longest, 1))), reads_gaps(model)
        self.register_buffer("bounds", bucket_bounds(), persistent=False)

    def over(self, items: Tensor, gaps: Tensor | None, states: list[BlockState]) -> tuple[Tensor, list[BlockState]]:
        """(B, L) items and gaps in seconds -> (B, L, hidden_size) and the last states of the blocks."""
        hidden = self._embedded(items, gaps)
        steps = torch.ones_like(hidden[..., 0])
        if gaps is not None:
            assert isinstance(self.model, SS4Rec)
            steps = steps_of(gaps, self.model.step_settings)
        after = []
        for block, state in zip(self.model.blocks, states, strict=True):
            hidden, last = self._through(block, hidden, steps, state)
            after.append(last)
        return (self.model.final_norm(hidden) if isinstance(self.model, SS4Rec) else hidden), after

    def _embedded(self, items: Tensor, gaps: Tensor | None) -> Tensor:
        hidden = self.model.item_embedding(items)
        if isinstance(self.model, SS4Rec) and self.model.gap_embedding is not None and gaps is not None:
            bucket = (gaps.unsqueeze(-1) >= self.bounds).to(torch.int64).sum(-1)
            hidden = hidden + self.model.gap_embedding(bucket)
        return self.model.embedding_norm(hidden)

    def _through(self, block: Any, u: Tensor, steps: Tensor, state: BlockState) -> tuple[Tensor, BlockState]:
        if isinstance(block, Mamba4RecBlock):
            mixed, after = mamba_over(block.mamba, u, state.mamba, self.rounds)
            return block._after_mamba(mixed, u), BlockState(None, after)
        assert isinstance(block, SS4RecBlock)
        s5: Tensor | None = None
        mamba: MambaState | None = None
        if block.s5 is not None:
            y, s5 = s5_over(block.s5, block.s5_add.enter(u), steps, state.s5, self.rounds)
            u = block.s5_add.leave(y, u)
        if block.mamba is not None:
            y, mamba = mamba_over(block.mamba, block.mamba_add.enter(u), state.mamba, self.rounds)
            u = block.mamba_add.leave(y, u)
        return block._fed_forward(u), BlockState(s5, mamba)


class Encoder(Recurrence):
    """The state after the last event of histories that are padded on the right."""

    def forward(self, items: Tensor, length: Tensor, gaps: Tensor | None = None) -> Tensor:
        """(B, L) int64, (B,) int64, (B, L) float seconds -> (B, hidden_size)."""
        hidden, _ = self.over(items, gaps, [_NONE] * len(self.model.blocks))
        return hidden.gather(1, (length - 1).view(-1, 1, 1).expand(-1, 1, hidden.shape[2])).squeeze(1)


class Step(Recurrence):
    """One event of each of B users: states before it in, hidden and states after it out."""

    def __init__(self, model: Recurrent) -> None:
        super().__init__(model, longest=1)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Names of the states with their shapes for one user; all are 0 before the first event."""
        found: dict[str, tuple[int, ...]] = {}
        blocks: list[Any] = list(self.model.blocks)
        for number, block in enumerate(blocks):
            s5, mamba = getattr(block, "s5", None), block.mamba
            if s5 is not None:
                found[f"s5_{number}"] = (s5.modes, 2)
            if mamba is not None:
                conv = mamba.conv1d
                found[f"conv_{number}"] = (conv.kernel_size[0] - 1, conv.in_channels)
                found[f"ssm_{number}"] = (mamba.out_proj.in_features, mamba.d_state)
        return found

    def forward(self, items: Tensor, states: list[Tensor], gaps: Tensor | None = None) -> tuple[Tensor, ...]:
        """(B,) int64, the states in the order of `shapes`, (B,) float seconds -> hidden (B, H) and the states after."""
        given = dict(zip(self.shapes(), states, strict=True))
        before = [self._state(given, number) for number in range(len(self.model.blocks))]
        hidden, after = self.over(items.unsqueeze(1), None if gaps is None else gaps.unsqueeze(1), before)
        held: dict[str, Any] = {f"s5_{number}": state.s5 for number, state in enumerate(after)}
        held |= {f"conv_{number}": state.mamba.conv for number, state in enumerate(after) if state.mamba is not None}
        held |= {f"ssm_{number}": state.mamba.ssm for number, state in enumerate(after) if state.mamba is not None}
        return (hidden.squeeze(1), *(held[name] for name in self.shapes()))

    def _state(self, given: dict[str, Tensor], number: int) -> BlockState:
        conv, ssm = given.get(f"conv_{number}"), given.get(f"ssm_{number}")
        return BlockState(given.get(f"s5_{number}"), None if conv is None or ssm is None else MambaState(conv, ssm))


class States(nn.Module):
    """The state after histories of a causal model of RecBole (SASRec, GRU4Rec)."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, items: Tensor, length: Tensor) -> Tensor:
        """(B, L) int64, (B,) int64 -> (B, hidden)."""
        return self.model.forward(items, length)


class Scores(nn.Module):
    """Scores of all items after a state, with the history term; the padding item has -inf.

    Args:
        embedding: (n_items, hidden), the padding first.
        term: the model's history term, or None.
    """

    def __init__(self, embedding: nn.Embedding, term: HistoryTerm | None) -> None:
        super().__init__()
        self.embedding, self.term = embedding, term

    def inputs(self) -> list[str]:
        """Names of what the history term reads: the items of a history, and what groups them."""
        if self.term is None:
            return []
        groups = self.term.groups
        named = {
            "seen_items": True,
            "seen_ages": groups.kind == "recency",
            "seen_values": bool(self.term.field),
            "seen_elapsed": groups.timed,
            "seen_intervals": groups.timed,
        }
        return [name for name, read in named.items() if read]

    def forward(self, hidden: Tensor, *seen: Tensor) -> Tensor:
        """(B, hidden) and (B, S) int64 for each of `inputs` -> (B, n_items)."""
        scores = hidden @ self.embedding.weight.T
        if self.term is not None:
            given = dict(zip(self.inputs(), seen, strict=True))
            items = given["seen_items"]
            added = self.term(hidden).gather(1, self.term.groups.of(past_of(given))) * (items > 0)
            scores = scores.scatter_add(1, items, added)
        return torch.cat([torch.full_like(scores[:, :1], -torch.inf), scores[:, 1:]], dim=1)


def past_of(given: dict[str, Tensor]) -> Past:
    """What groups the items of histories, from the inputs of a graph."""
    read = (given.get(f"seen_{name}") for name in ("values", "elapsed", "intervals"))
    return Past(given.get("seen_ages", given["seen_items"]), *read)


class FullSort(nn.Module):
    """`full_sort_predict` of a model of RecBole, from the fields that it reads."""

    def __init__(self, model: Any, fields: list[str]) -> None:
        super().__init__()
        self.model, self.fields = model, fields

    def forward(self, *given: Tensor) -> Tensor:
        """One tensor for each field, (B,) or (B, L) -> (B, n_items)."""
        scores = self.model.full_sort_predict(dict(zip(self.fields, given, strict=True)))
        return scores.view(-1, self.model.n_items)
