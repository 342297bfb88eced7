"""The graphs against the model itself, over several lengths and numbers of rows."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from recbole_ext.model.sequence.causal import CausalRecommender, Events
from recbole_ext.model.sequence.gaps import gap_seconds
from recbole_ext.model.sequence.history_term import HistoryItems
from recbole_ext.serving.export.graphs import FullSort, Scores, past_of, reads_gaps
from recbole_ext.serving.export.onnx_file import answer, require_equal

_BATCHES = (1, 4)
_EVENTS = 12


def made_events(model: Any, rows: int, width: int, seed: int = 0) -> Events:
    """Random histories, the first as long as the window, with gaps from 0 to years."""
    generator = torch.Generator().manual_seed(seed)
    length = torch.randint(1, width + 1, (rows,), generator=generator)
    length[0] = width
    items = torch.randint(1, model.n_items, (rows, width), generator=generator)
    items = items * (torch.arange(width) < length.unsqueeze(1))
    gaps = torch.exp(torch.rand(rows, width + 1, generator=generator) * 19).long() - 1
    times = gaps.cumsum(1) + 1_000_000_000
    return Events(items, times[:, :-1], times[:, 1:], length)


def gaps_of(model: Any, events: Events) -> Tensor:
    """(B, L) float seconds, as the graphs take them."""
    return gap_seconds(events, model.step_settings.use_target_time)


@torch.no_grad()
def check_encoder(model: Any, opened: Any, longest: int) -> float:
    """The largest difference of an encoder from the model; raises `UsageError` where it is too large."""
    largest = 0.0
    for rows in _BATCHES:
        for width in sorted({1, min(2, longest), max(1, longest // 3), longest}):
            events = made_events(model, rows, width, seed=width)
            given = {"items": events.items, "length": events.length}
            if reads_gaps(model):
                given["gaps"] = gaps_of(model, events)
            found = answer(opened, given)[0]
            largest = max(largest, require_equal("encoder.onnx", found, _hidden(model, events)))
    return largest


def _hidden(model: Any, events: Events) -> Tensor:
    if isinstance(model, CausalRecommender):
        return model.gather_indexes(model.encode(events), events.length - 1)
    hidden: Tensor = model.forward(events.items, events.length)
    return hidden


@torch.no_grad()
def check_step(model: Any, opened: Any, shapes: dict[str, tuple[int, ...]]) -> float:
    """The largest difference of the step from `encode`, event after event from states of 0."""
    largest = 0.0
    for rows in _BATCHES:
        events = made_events(model, rows, _EVENTS)
        items = torch.where(events.items > 0, events.items, 1)
        events = Events(items, events.times, events.next_times, torch.full_like(events.length, _EVENTS))
        expected = model.encode(events)
        gaps = gaps_of(model, events) if reads_gaps(model) else None
        states = {name: torch.zeros(rows, *shape) for name, shape in shapes.items()}
        for place in range(_EVENTS):
            given = {"items": items[:, place].contiguous(), **states}
            if gaps is not None:
                given["gaps"] = gaps[:, place].contiguous()
            hidden, *after = answer(opened, given)
            states = {name: torch.from_numpy(value) for name, value in zip(shapes, after, strict=True)}
            largest = max(largest, require_equal("step.onnx", hidden, expected[:, place]))
    return largest


@torch.no_grad()
def check_scores(model: Any, opened: Any) -> float:
    """The largest difference of the scores from the model's, the padding item left out."""
    largest = 0.0
    for rows, seen in ((1, 1), (4, 6)):
        generator = torch.Generator().manual_seed(rows)
        hidden = torch.randn(rows, model.item_embedding.embedding_dim, generator=generator)
        count = min(seen, model.n_items - 1)
        items = torch.stack([torch.randperm(model.n_items - 1, generator=generator)[:count] + 1 for _ in range(rows)])
        expected, given = hidden @ model.item_embedding.weight.T, {"hidden": hidden}
        term = model.history_term
        if term is not None:
            read = _made_past(term, items, generator)
            given |= {name: read[name] for name in Scores(model.item_embedding, term).inputs()}
            expected = _with_term(term, expected, hidden, read)
        found = answer(opened, given)[0]
        assert np.isneginf(found[:, 0]).all()
        largest = max(largest, require_equal("scores.onnx", found[:, 1:], expected[:, 1:]))
    return largest


def _made_past(term: Any, items: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
    """What groups some items (B, S), of all sizes."""
    seconds = torch.exp(torch.rand(2, *items.shape, generator=generator) * 19).long()
    once = torch.rand(items.shape, generator=generator) < 0.3
    return {
        "seen_items": items,
        "seen_ages": torch.randint(1, 3000, items.shape, generator=generator),
        "seen_values": torch.randint(0, term.groups.n_values, items.shape, generator=generator),
        "seen_elapsed": seconds[0],
        "seen_intervals": torch.where(once, -1, seconds[1]),
    }


def _with_term(term: Any, scores: Tensor, hidden: Tensor, seen: dict[str, Tensor]) -> Tensor:
    """The scores as the model adds its history term to them."""
    rows, count = seen["seen_items"].shape
    read = {name: of.flatten() for name, of in seen.items() if name != "seen_values" or term.field}
    group = term.groups.of(past_of(read))
    history = HistoryItems(torch.arange(rows + 1) * count, seen["seen_items"].flatten(), group)
    logits = term(hidden)
    return scores.index_put((history.state, history.item), logits[history.state, group], accumulate=True)


@torch.no_grad()
def check_full_sort(module: FullSort, opened: Any, rows: dict[str, Tensor]) -> float:
    """The largest difference of the scores of rows of the run from the model's."""
    largest = 0.0
    for count in (1, len(rows[module.fields[0]])):
        given = {name: rows[name][:count] for name in module.fields}
        expected = module(*(given[name] for name in module.fields))
        largest = max(largest, require_equal("scores.onnx", answer(opened, given)[0][:, 1:], expected[:, 1:]))
    return largest
