"""The compiled step against the model's own, and both against the pass over whole histories."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from recbole_ext.model.layers.gap_bucket import gap_bucket
from recbole_ext.model.sequence.causal import Events
from recbole_ext.model.sequence.gaps import gap_seconds
from recbole_ext.serving.live.step_weights import step_weights
from recbole_ext.serving.live.stepper import CompiledStepper, TorchStepper, bucket_starts, stepper_of

Build = Callable[..., Any]
SETTINGS: list[tuple[str, dict[str, Any]]] = [
    ("SS4Rec", {"num_layers": 3, "hidden_size": 64, "d_state": 32, "s5_state_size": 32}),
    ("SS4Rec", {"block": "post_norm", "hidden_size": 20, "d_conv": 1, "ffn_multiplier": 1.7, "d_state": 3}),
    ("SS4Rec", {"sublayers": "s5", "ffn_multiplier": 0.0, "gap_transform": "linear", "use_target_time": True}),
    ("SS4Rec", {"sublayers": "mamba", "gap_embedding": False, "embedding_layer_norm": False}),
    ("SS4Rec", {"gap_transform": "none", "shared_layer_norm": True, "gap_embedding": False, "d_conv": 2}),
    ("SS4Rec", {"use_gaps": False}),
    ("Mamba4Rec", {}),
    ("Mamba4Rec", {"num_layers": 2, "hidden_size": 24, "expand": 1}),
]


def scattered(model: Any) -> Any:
    """The model in evaluation mode, its weights away from their initial values."""
    torch.manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model.eval()


def made_events(length: int, seed: int = 0) -> Events:
    """One history; gaps from seconds to months."""
    rng = np.random.default_rng(seed)
    gaps = np.floor(10 ** rng.uniform(0, 6.5, length + 1)).astype(np.int64) - 1
    times = torch.from_numpy(10**9 + np.cumsum(gaps)).unsqueeze(0)
    items = torch.from_numpy(rng.integers(1, 20, length)).unsqueeze(0)
    return Events(items, times[:, :-1], times[:, 1:], torch.tensor([length]))


def inputs(model: Any, events: Events) -> tuple[np.ndarray, np.ndarray]:
    settings = getattr(model, "step_settings", None)
    gaps = gap_seconds(events, settings is not None and settings.use_target_time)
    return events.items[0].numpy(), gaps[0].long().numpy()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "given"), SETTINGS, ids=str)
def test_both_steppers_give_what_the_full_pass_gives(build: Build, name: str, given: dict[str, Any]) -> None:
    model = scattered(build(name, **given)[2].model)
    weights = step_weights(model)
    assert weights is not None
    compiled, own = CompiledStepper(model, weights), TorchStepper(model)
    events = made_events(60)
    items, gaps = inputs(model, events)
    with torch.no_grad():
        expected = model.encode(events)[0].numpy()
    for stepper in (compiled, own):
        state = np.zeros(stepper.state_size, dtype=np.float32)
        for k in range(len(items)):
            hidden = stepper.follow(items[k : k + 1], gaps[k : k + 1], state)
            np.testing.assert_allclose(hidden, expected[k], rtol=1e-5, atol=1e-5)
        together = np.zeros(stepper.state_size, dtype=np.float32)
        np.testing.assert_allclose(stepper.follow(items, gaps, together), hidden, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(together, state, rtol=1e-4, atol=1e-5)
        parted = np.zeros_like(state)
        for part in (slice(0, 7), slice(7, 60)):
            hidden = stepper.follow(items[part], gaps[part], parted)
        np.testing.assert_allclose(hidden, expected[-1], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("length", [1, 2, 10, 1000])
def test_the_compiled_step_stays_with_the_full_pass_over_long_histories(build: Build, length: int) -> None:
    model = scattered(build("SS4Rec", hidden_size=64, d_state=32, s5_state_size=32)[2].model)
    stepper, events = stepper_of(model), made_events(length, seed=length)
    assert isinstance(stepper, CompiledStepper)
    with torch.no_grad():
        expected = model.encode(events)[0, -1]
    hidden = torch.from_numpy(stepper.follow(*inputs(model, events), np.zeros(stepper.state_size, np.float32)))
    torch.testing.assert_close(hidden, expected, rtol=1e-5, atol=1e-5)
    scores, wanted = (model.item_embedding.weight @ vector for vector in (hidden, expected))
    assert scores.topk(10).indices.tolist() == wanted.topk(10).indices.tolist()


@pytest.mark.parametrize("sizes", [{"head_dim": 8}, {"head_dim": 1, "hidden_size": 5, "expand": 1}], ids=str)
def test_mamba2_takes_the_models_own_step(build: Build, sizes: dict[str, int]) -> None:
    model = scattered(build("SS4Rec", ssm_variant="mamba2", num_layers=2, **sizes)[2].model)
    stepper, events = stepper_of(model), made_events(30)
    assert isinstance(stepper, TorchStepper) and step_weights(model) is None
    state = np.zeros(stepper.state_size, dtype=np.float32)
    with torch.no_grad():
        expected = model.encode(events)[0, -1].numpy()
    np.testing.assert_allclose(stepper.follow(*inputs(model, events), state), expected, rtol=1e-5, atol=1e-5)


def test_the_state_of_a_layer_of_the_default_size_takes_about_20_kb(build: Build) -> None:
    sizes = {"hidden_size": 64, "d_state": 32, "s5_state_size": 32, "num_layers": 2}
    assert stepper_of(build("SS4Rec", **sizes)[2].model).state_size * 4 / 2 == 18048


def test_buckets_of_gaps_begin_where_the_model_has_them() -> None:
    starts = bucket_starts()
    gaps = np.unique(np.concatenate([starts, starts - 1, np.arange(5000), np.logspace(3, 12, 1000).astype(np.int64)]))
    gaps = gaps[gaps >= 0]
    assert np.array_equal(
        np.searchsorted(starts, gaps, side="right"), gap_bucket(torch.from_numpy(gaps).float()).numpy()
    )
