"""RecBole's special trainers, with ours between them and its general one.

They are kept (knowledge graphs, pre-training, RecVAE, ...): a class made here stands between each of them and
`RunTrainer`, so that their `super()` calls arrive there.
"""

import importlib
from functools import cache

from recbole.trainer import Trainer
from recbole.utils import ModelType
from torch import Tensor

from recbole_ext.registry import find_model
from recbole_ext.training.trainer import RunTrainer


class NCLRunTrainer(RunTrainer):
    """NCL alternates: clustering every `m_step` epochs, and the last loss only after `warm_up_step`."""

    def before_epoch(self, epoch: int) -> None:
        """Cluster users and items anew."""
        if epoch % self.config["m_step"] == 0:
            self.model.e_step()

    def used_losses(self, losses: tuple[Tensor, ...], epoch: int) -> tuple[Tensor, ...]:
        """All but the last part while warming up."""
        return losses[:-1] if epoch < self.config["warm_up_step"] else losses


@cache
def trainer_class(model: str, model_type: ModelType) -> type[RunTrainer]:
    """The trainer for a model: ours, with RecBole's special one before it where there is one."""
    if find_model(model).own:
        return RunTrainer
    if model == "NCL":
        return NCLRunTrainer
    host = importlib.import_module("recbole.trainer")
    by_type = {ModelType.KNOWLEDGE: "KGTrainer", ModelType.TRADITIONAL: "TraditionalTrainer"}
    special = getattr(host, f"{model}Trainer", None) or getattr(host, by_type.get(model_type, "Trainer"))
    ours = {
        "save_pretrained_model": RunTrainer.save_pretrained_model
    }  # PretrainTrainer's own pickles the configuration
    return RunTrainer if special is Trainer else type(f"Run{special.__name__}", (special, RunTrainer), ours)
