"""The modules of the graphs against the models, in torch, over every variant of the layers."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from recbole_ext.model.layers.gap_bucket import GAP_BUCKETS, gap_bucket
from recbole_ext.serving.export.graphs import Encoder, Step, bucket_bounds, reads_gaps
from recbole_ext.serving.export.onnx_checks import gaps_of, made_events
from recbole_ext.serving.run import Run


def test_bounds_give_the_buckets_of_gap_bucket() -> None:
    bounds = bucket_bounds()
    near = torch.cat([torch.nextafter(bounds, torch.zeros(())), bounds, torch.nextafter(bounds, torch.tensor(1e20))])
    gaps = torch.cat([near, torch.arange(200.0), torch.rand(2000) * 1e9])
    assert len(bounds) == GAP_BUCKETS - 1
    assert torch.equal((gaps.unsqueeze(-1) >= bounds).sum(-1), gap_bucket(gaps))


@pytest.mark.slow
@pytest.mark.parametrize(("model", "given"), [
    ("SS4Rec", {"protocol": "time_aware"}),
    ("SS4Rec", {"ssm_variant": "mamba2", "head_dim": 4, "block": "post_norm"}),
    ("SS4Rec", {"sublayers": "mamba"}),
    ("SS4Rec", {"sublayers": "s5"}),
    ("Mamba4Rec", {"num_layers": 2}),
])  # fmt: skip
@torch.no_grad()
def test_they_compute_what_the_model_does(made_run: Callable[..., Run], model: str, given: dict[str, Any]) -> None:
    own = made_run(model, **given).loaded.model.cpu()
    for width in (1, 2, 7, 40):
        events = made_events(own, 4, width)
        expected = own.gather_indexes(own.encode(events), events.length - 1)
        gaps = gaps_of(own, events) if reads_gaps(own) else None
        assert torch.allclose(Encoder(own, 40)(events.items, events.length, gaps), expected, atol=1e-5)
    step, states = Step(own), [torch.zeros(4, *shape) for shape in Step(own).shapes().values()]
    items = torch.where(events.items > 0, events.items, 1)
    before = own.first_states()
    for place in range(5):
        gap = torch.zeros(4) if gaps is None else gaps[:, place]
        hidden, *states = step(items[:, place], states, None if gaps is None else gap)
        expected, before = own.step(items[:, place], gap, before)
        assert torch.allclose(hidden, expected, atol=1e-5)
