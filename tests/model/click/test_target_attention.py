"""Target attention over shared histories, against each row reading its own events by itself."""

import pytest
import torch
from torch.testing import assert_close

from recbole_ext.model.click.target_attention import Reading, TargetAttention
from recbole_ext.model.layers.gap_bucket import gap_bucket

WIDTH, HEADS, REACH = 8, 2, 3
READING = Reading(
    history=torch.tensor([0, 0, 1, 0]),
    slot=torch.tensor([0, 1, 0, 2]),
    visible=torch.tensor([2, 5, 0, 5]),
    time=torch.tensor([90, 4_000, 50, 90_000]),
)
TIMES = torch.tensor([[10, 20, 300, 2_000, 4_000], [60, 0, 0, 0, 0]])


def read_alone(layer: TargetAttention, target: torch.Tensor, states: torch.Tensor) -> torch.Tensor:
    """The equation of the class, row by row."""
    rows = []
    for r, history in enumerate(READING.history.tolist()):
        seen = int(READING.visible[r])
        events = slice(max(0, seen - REACH), seen)
        key, value = (
            torch.cat([of(states[history, events]), none.unsqueeze(0)]).view(-1, HEADS, WIDTH // HEADS)
            for of, none in zip((layer.key, layer.value), layer.nothing, strict=True)
        )
        age = layer.age(gap_bucket(READING.time[r] - TIMES[history, events]))
        query = layer.query(target[r]).view(HEADS, -1)
        scores = torch.einsum("hd,khd->kh", query, key) / (WIDTH // HEADS) ** 0.5
        scores = scores + torch.cat([age, torch.zeros(1, HEADS)])
        rows.append(torch.einsum("kh,khd->hd", scores.softmax(0), value))
    return torch.stack(rows)


@pytest.mark.parametrize("scores", [2**26, 50, 1], ids=["in one piece", "two places at once", "one at once"])
def test_a_row_reads_the_last_events_before_it_and_all_gradients_agree(
    scores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recbole_ext.model.click.target_attention._MOST_SCORES", scores)
    torch.manual_seed(1)
    layer = TargetAttention(WIDTH, HEADS, REACH)
    torch.nn.init.normal_(layer.age.weight)
    target, states = torch.randn(4, WIDTH, requires_grad=True), torch.randn(2, 5, WIDTH, requires_grad=True)
    weights = torch.randn(4, HEADS, WIDTH // HEADS)
    found = []
    for read in (layer(target, states, TIMES, READING), read_alone(layer, target, states)):
        inputs = [target, states, *layer.parameters()]
        found.append([read, *torch.autograd.grad((read * weights).sum(), inputs)])
    assert_close(found[0], found[1])


def test_one_history_of_many_rows_pads_no_other_beyond_the_bound() -> None:
    """A user with 3,000 rows beside 500 users with one: 3,500 rows, and not 501 x 3,000 places."""
    history = torch.cat([torch.zeros(3000, dtype=torch.int64), torch.arange(1, 501)])
    slot = torch.cat([torch.arange(3000), torch.zeros(500, dtype=torch.int64)])
    reading = Reading(history, slot, torch.ones_like(slot), torch.ones_like(slot))
    parts = list(reading.parts(501, 2000))
    assert all(len(histories) * (int(part.slot.max()) + 1) <= 2000 for _, histories, part in parts)
    assert torch.equal(torch.cat([rows for rows, _, _ in parts]).sort().values, torch.arange(3500))
    assert len(parts) <= 4


def test_an_empty_history_is_the_learnt_value() -> None:
    layer = TargetAttention(WIDTH, HEADS, REACH)
    read = layer(torch.randn(4, WIDTH), torch.randn(2, 5, WIDTH), TIMES, READING)
    assert_close(read[2].flatten(), layer.nothing[1])
