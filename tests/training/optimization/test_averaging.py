import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from recbole_ext.config.config import Config
from recbole_ext.data.loaders import Loaders
from recbole_ext.errors import UsageError
from recbole_ext.training.optimization.averaging import Averaging
from recbole_ext.training.optimization.averaging_settings import AveragingSettings
from recbole_ext.training.trainer import RunTrainer

Build = Callable[..., tuple[Config, Loaders, RunTrainer]]


def averaging(model: nn.Module, kind: str, decay: float = 0.5, start: float = 0.5, epochs: int = 4) -> Averaging:
    return Averaging(model, AveragingSettings(kind, decay, start), first_epoch=0, epochs=epochs)


def number() -> nn.Linear:
    model = nn.Linear(1, 1, bias=False)
    model.weight.data.fill_(-7.0)
    return model


def test_ema_by_hand() -> None:
    """d = min(0.5, 1/10, 2/11, 3/12, ...): 2 first, then 2/11 of it and 9/11 of 13, then a quarter of that."""
    model, found = number(), []
    average = averaging(model, "ema")
    for value in (2.0, 13.0, 11.0):
        model.weight.data.fill_(value)
        average.after_step()
        average.after_training(0, 1.0)
        found.append(average.mean[0].item())
    assert found == pytest.approx([2.0, 11.0, 11.0])
    average.n_averaged = 1000
    model.weight.data.fill_(21.0)
    average.after_step()
    assert average.mean[0].item() == pytest.approx(16.0)


def test_swa_is_the_mean_of_torchs_averaged_model() -> None:
    model = number()
    average, expected = averaging(model, "swa"), AveragedModel(model)
    for epoch, value in enumerate((1.0, 2.0, 3.0, 7.0)):
        model.weight.data.fill_(value)
        average.after_step()
        average.after_training(epoch, 1.0)
        average.after_training(epoch, 1.0)
        if epoch >= 2:
            expected.update_parameters(model)
    assert average.mean[0].item() == 5.0 == expected.module.weight.item()


@pytest.mark.parametrize(
    ("epochs", "start", "expected"), [(1, 0.75, 0.0), (2, 0.75, 1.0), (4, 0.9, 3.0), (4, 0.5, 2.5)]
)
def test_swa_averages_the_last_epoch_at_least(epochs: int, start: float, expected: float) -> None:
    model = number()
    average = averaging(model, "swa", start=start, epochs=epochs)
    for epoch in range(epochs):
        model.weight.data.fill_(float(epoch))
        average.after_training(epoch, 1.0)
    assert average.n_averaged and average.mean[0].item() == expected


def test_the_average_is_used_in_the_block_alone() -> None:
    model = number()
    average = averaging(model, "swa", start=0.0)
    with average.used():
        assert model.weight.item() == -7.0
    for epoch, value in enumerate((1.0, 3.0)):
        model.weight.data.fill_(value)
        average.after_training(epoch, 1.0)
    with pytest.raises(ZeroDivisionError), average.used():
        assert model.weight.item() == 2.0
        raise ZeroDivisionError
    assert model.weight.item() == 3.0 and average.mean[0].item() == 2.0


def test_batch_norms_take_averaged_statistics() -> None:
    model = nn.BatchNorm1d(1)
    average = averaging(model, "swa", start=0.0)
    for epoch, value in enumerate((1.0, 5.0)):
        model.running_mean.fill_(value)
        average.after_training(epoch, 1.0)
    with average.used():
        assert model.running_mean.item() == 3.0
    assert model.running_mean.item() == 5.0


def test_its_state_goes_on_where_it_was() -> None:
    model = number()
    first = averaging(model, "ema")
    first.after_step()
    again = averaging(number(), "ema")
    again.load_state_dict(first.state_dict())
    assert (again.n_averaged, again.mean[0].item()) == (1, -7.0)
    empty = averaging(number(), "ema")
    empty.load_state_dict(averaging(model, "ema").state_dict())
    assert empty.n_averaged == 0


def weights(trainer: RunTrainer) -> torch.Tensor:
    return torch.cat([p.detach().reshape(-1).clone() for p in trainer.model.parameters()])


def trained(build: Build, monkeypatch: pytest.MonkeyPatch, **given: Any) -> tuple[RunTrainer, list[torch.Tensor]]:
    """A trainer after its run, and the weights that were validated."""
    _, loaders, trainer = build(epochs=4, **given)
    validate, seen = trainer.validator.measure, []
    monkeypatch.setattr(trainer.validator, "measure", lambda *of: seen.append(weights(trainer)) or validate(*of))
    trainer.fit(loaders.train, loaders.valid)
    return trainer, seen


@pytest.mark.slow
def test_training_goes_on_with_its_own_weights_and_the_average_is_tested(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, own = trained(build, monkeypatch)
    averaged, used = trained(build, monkeypatch, averaging="ema", ema_decay=0.9)
    assert torch.equal(weights(plain), weights(averaged))
    assert all(not torch.equal(a, b) for a, b in zip(own, used, strict=True))
    averaged.load_best()
    assert torch.equal(weights(averaged), used[averaged.state.best_epoch])


@pytest.mark.slow
def test_swa_validates_the_mean_of_the_last_epochs(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    _, own = trained(build, monkeypatch)
    _, used = trained(build, monkeypatch, averaging="swa", swa_start_share=0.5)
    for epoch in (0, 1, 2):
        assert torch.equal(used[epoch], own[epoch])
    torch.testing.assert_close(used[3], (own[2] + own[3]) / 2)


@pytest.mark.slow
def test_averaged_noise_is_smaller() -> None:
    """Noisy SGD on a quadratic: the average lies nearer the optimum than the weights of the moment."""
    torch.manual_seed(0)
    model = nn.Linear(50, 1, bias=False)
    average = averaging(model, "ema", decay=0.99)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    for _ in range(500):
        optimizer.zero_grad()
        (0.5 * (model.weight - 1 + torch.randn(1, 50)).square().sum()).backward()
        optimizer.step()
        average.after_step()
    own = (model.weight - 1).norm().item()
    with average.used():
        assert (model.weight - 1).norm().item() < own / 3
    assert math.isfinite(own)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"averaging": "emma"}, r"averaging must be one of none, ema, swa \(got 'emma'\)"),
        ({"ema_decay": 1.0}, r"ema_decay must be at least 0 and below 1 \(got 1.0\)"),
        ({"swa_start_share": -0.1}, r"swa_start_share must be at least 0 and below 1 \(got -0.1\)"),
    ],
)
def test_what_makes_no_sense_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        AveragingSettings.read({"averaging": "none", "ema_decay": 0.9, "swa_start_share": 0.5, **given})
