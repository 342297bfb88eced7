"""The whole state of a training run: what `last` holds beside the weights, so that a run continues exactly.

A state is taken between two steps. It holds the random states at the start of its epoch and those of the
moment: to continue, the epoch is begun again from the first, the batches that were done are drawn and
passed over, and the second are set. So the order and the content of the batches are the same for every
loader, without a word about how the loader works.
"""

import weakref
import zlib
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from recbole_ext.training.optimization.optimizer import SparseAndDense
from recbole_ext.training.randomness import set_random_states

_SCORES = ("best_epoch", "best_valid_score", "best_valid_result", "patience_score", "cur_step", "train_loss_dict")


@dataclass
class Position:
    """How far a run is.

    Attributes:
        epoch: the epoch that is running, or the next one.
        batch: batches of this epoch that are done.
        step: steps of the optimiser in all epochs.
        total: sums of the loss's parts over the batches that are done.
        several: whether the loss has parts.
        stopped: training is over.
        stage: number of the stage.
        retries: how often the run went back because of bad numbers.
        halvings: how often the batches were halved because of missing memory.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    total: list[float] = field(default_factory=list)
    several: bool = False
    stopped: bool = False
    stage: int = 0
    retries: int = 0
    halvings: int = 0


def optimizers(trainer: Any) -> dict[str, Any]:
    """Every optimiser of a trainer by its attribute's name; some of RecBole's trainers have two."""
    kinds = (torch.optim.Optimizer, SparseAndDense)
    return {name: value for name, value in sorted(vars(trainer).items()) if isinstance(value, kinds)}


def distinct_optimizers(trainer: Any) -> list[Any]:
    """The same, each one once."""
    return list({id(each): each for each in optimizers(trainer).values()}.values())


def first_attributes(model: nn.Module) -> dict[str, weakref.ref[Tensor]]:
    """Which tensors a new model holds outside its parameters and buffers."""
    return {name: weakref.ref(tensor) for name, tensor in _plain_tensors(model).items()}


def changed_attributes(model: nn.Module, first: dict[str, weakref.ref[Tensor]]) -> dict[str, Tensor]:
    """Those of them that training has replaced, for instance the attention of a graph."""
    now = _plain_tensors(model)
    return {name: tensor for name, tensor in now.items() if name not in first or first[name]() is not tensor}


def _plain_tensors(model: nn.Module) -> dict[str, Tensor]:
    return {
        f"{path}.{name}".lstrip("."): value
        for path, module in model.named_modules()
        for name, value in vars(module).items()
        if isinstance(value, Tensor)
    }


def set_attributes(model: nn.Module, attributes: dict[str, Tensor], device: torch.device) -> None:
    """Put back what `changed_attributes` found."""
    for name, value in attributes.items():
        path, _, attribute = name.rpartition(".")
        setattr(model.get_submodule(path), attribute, value.to(device))


def data_fingerprint(loader: Any) -> int:
    """A checksum over the training rows."""
    checksum, dataset = 0, loader._dataset
    events = dataset.events.columns if hasattr(dataset, "events") else {}
    columns = [(f"event {name}", column) for name, column in events.items()]
    for name, column in sorted([*columns, *dataset.inter_feat.interaction.items()], key=lambda pair: pair[0]):
        if not isinstance(column, Tensor):  # histories are slices of the events
            continue
        checksum = zlib.crc32(column.contiguous().numpy().tobytes(), zlib.crc32(name.encode(), checksum))
    return checksum


def trainer_state(trainer: Any, random: dict[str, Any]) -> dict[str, Any]:
    """Everything but the weights; `random` are the states of the moment."""
    keeper = trainer.keeper
    return {
        "position": asdict(trainer.position),
        "scores": {name: getattr(trainer, name) for name in _SCORES},
        "optimizers": {name: value.state_dict() for name, value in optimizers(trainer).items()},
        "attributes": changed_attributes(trainer.model, keeper.first_attributes),
        "random": random,
        "epoch_random": keeper.epoch_random,
        "rows": keeper.run.rows,
        "parts": {name: part.state_dict() for name, part in trainer.stateful().items()},
    }


def set_trainer_state(trainer: Any, state: dict[str, Any]) -> None:
    """Put a trainer where `trainer_state` was taken; the weights are loaded apart."""
    keeper = trainer.keeper
    trainer.position = Position(**state["position"])
    for name, value in state["scores"].items():
        setattr(trainer, name, value)
    for name, value in optimizers(trainer).items():
        value.load_state_dict(state["optimizers"][name])
    set_attributes(trainer.model, state["attributes"], trainer.device)
    for name, part in trainer.stateful().items():
        part.load_state_dict(state["parts"][name])
    within = trainer.position.batch > 0
    keeper.epoch_random, keeper.pending_random = state["epoch_random"], state["random"] if within else None
    set_random_states(state["epoch_random" if within else "random"], *keeper.loaders)
    keeper.run.restore_metrics(state["rows"])
