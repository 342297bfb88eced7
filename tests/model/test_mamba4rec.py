import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from recbole_ext.model.sequence.causal import Events
from recbole_ext.places import properties_folder

Build = Callable[..., Any]


def test_one_block_has_no_residual_and_two_have(build: Build) -> None:
    assert [b.residual for b in build("Mamba4Rec")[2].model.blocks] == [False]
    assert [b.residual for b in build("Mamba4Rec", num_layers=2)[2].model.blocks] == [True, True]


def test_times_are_never_looked_at(build: Build) -> None:
    model = build("Mamba4Rec")[2].model.eval()
    items = torch.tensor([[3, 4, 5]])
    times = [torch.tensor([[1, 2, 3]]), torch.tensor([[10**9, 1, 5]])]
    first, second = (model(Events(items, t, t, torch.tensor([3]))) for t in times)
    assert torch.equal(first, second)


def test_mamba_keeps_its_own_initialisation(build: Build) -> None:
    """softplus of the step's bias lies in [0.001, 0.1]; a normal initialisation would put it near 0.69."""
    mamba = build("Mamba4Rec")[2].model.blocks[0].mamba
    steps = nn.functional.softplus(mamba.dt_proj.bias)
    assert steps.min() >= 0.9e-3
    assert steps.max() <= 0.11


def test_every_key_of_the_settings_file_is_read() -> None:
    sources = "".join(path.read_text() for path in Path("recbole_ext/model").rglob("*.py"))
    text = (properties_folder() / "model" / "Mamba4Rec.yaml").read_text()
    keys = re.findall(r"^(\w+):", text[: text.index("# Training")], re.M)
    assert [key for key in keys if f'"{key}"' not in sources] == []


@pytest.mark.parametrize("given", [{}, {"num_layers": 2}, {"ssm_variant": "mamba2", "head_dim": 8}], ids=str)
def test_steps_from_event_to_event_give_the_states_of_whole_histories(build: Build, given: dict[str, Any]) -> None:
    _, loaders, trainer = build("Mamba4Rec", **given)
    model, batch = trainer.model.eval(), next(iter(loaders.train))
    events = model.read(batch)
    with torch.no_grad():
        expected, states = model.encode(events), model.first_states()
        for k in range(events.items.shape[1]):
            hidden, states = model.step(events.items[:, k], torch.zeros(len(events.length)), states)
            there = events.length > k
            torch.testing.assert_close(hidden[there], expected[there, k], rtol=1e-4, atol=1e-5)
