"""RecBole's special trainers, each before ours, so that their `super()` calls arrive there; trees have their own."""

from recbole import trainer as host
from recbole.utils import ModelType
from torch import Tensor

from recbole_ext.training.trainer import RunTrainer
from recbole_ext.training.trees import TreeRunTrainer


class NCLRunTrainer(RunTrainer):
    """NCL alternates: clustering every `m_step` epochs, and the last loss only after `warm_up_step`."""

    def before_epoch(self, epoch: int) -> None:
        """Cluster users and items anew."""
        if epoch % self.config["m_step"] == 0:
            self.model.e_step()

    def used_losses(self, losses: tuple[Tensor, ...], epoch: int) -> tuple[Tensor, ...]:
        """All but the last part while warming up."""
        return losses[:-1] if epoch < self.config["warm_up_step"] else losses


class RunKGTrainer(host.KGTrainer, RunTrainer):
    """Recommendation and knowledge graph in turn."""


class RunKGATTrainer(host.KGATTrainer, RunTrainer):
    """The same in two passes, with the attention of KGAT renewed."""


class RunMKRTrainer(host.MKRTrainer, RunTrainer):
    """The two sides of MKR in turn."""


class RunS3RecTrainer(host.S3RecTrainer, RunTrainer):
    """Pre-training or fine-tuning of S3Rec."""

    save_pretrained_model = RunTrainer.save_pretrained_model  # RecBole's own pickles the configuration


class RunRaCTTrainer(host.RaCTTrainer, RunTrainer):
    """The three stages of RaCT."""

    save_pretrained_model = RunTrainer.save_pretrained_model  # RecBole's own pickles the configuration


class RunRecVAETrainer(host.RecVAETrainer, RunTrainer):
    """Encoder and decoder of RecVAE in turn."""


class RunTraditionalTrainer(host.TraditionalTrainer, RunTrainer):
    """Models that are computed in one pass."""


_OF_MODEL: dict[str, type[RunTrainer]] = {
    "KGAT": RunKGATTrainer,
    "MKR": RunMKRTrainer,
    "NCL": NCLRunTrainer,
    "RaCT": RunRaCTTrainer,
    "RecVAE": RunRecVAETrainer,
    "S3Rec": RunS3RecTrainer,
}
_OF_TYPE: dict[ModelType, type[RunTrainer]] = {
    ModelType.KNOWLEDGE: RunKGTrainer,
    ModelType.TRADITIONAL: RunTraditionalTrainer,
    ModelType.DECISIONTREE: TreeRunTrainer,
}


def trainer_class(model: str, model_type: ModelType) -> type[RunTrainer]:
    """The trainer for a model: ours, with RecBole's special one before it where there is one."""
    return _OF_MODEL.get(model) or _OF_TYPE.get(model_type, RunTrainer)
