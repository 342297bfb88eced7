"""The epochs of models that RecBole trains by trainers of their own.

Differs from source: RecBole has a subclass of its `Trainer` for each, which overrides the loop. Here only the passes of
an epoch differ, so that checkpoints, guards, signals and validation are those of every model.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from recbole.utils import KGDataLoaderState, ModelType

from recbole_ext.training.hook import Hook
from recbole_ext.training.passes import Pass, Plan

PRETRAINED = {"S3Rec": ("pretrain",), "RaCT": ("actor_pretrain", "critic_pretrain")}
"""Models with stages of pre-training, by their `train_stage`."""


class KnowledgePlan(Plan):
    """Interactions and triples of a knowledge graph, together or in turn (RecBole's KGTrainer)."""

    whole_epochs = True
    loss_of_rows = "calculate_loss"

    def parts(self, epoch: int) -> list[KGDataLoaderState]:
        """What each pass of an epoch is over: both at once, or so many epochs of the one and of the other."""
        rec, graph = self.config["train_rec_step"], self.config["train_kg_step"]
        if rec is None or graph is None:
            return [KGDataLoaderState.RSKG]
        return [KGDataLoaderState.RS if epoch % (rec + graph) < rec else KGDataLoaderState.KG]

    def lengths(self, batches: Any, epoch: int) -> list[int]:
        """Batches of each part."""
        return [_length(batches, part) for part in self.parts(epoch)]

    def passes(self, batches: Any, epoch: int) -> Iterator[Pass]:
        """One for each part."""
        for part in self.parts(epoch):
            batches.set_mode(part)
            name = "calculate_kg_loss" if part == KGDataLoaderState.KG else self.loss_of_rows
            yield Pass(getattr(self.model, name), self.optimizer)


class AttentivePlan(KnowledgePlan):
    """KGAT: interactions, then triples, then the attention of the graph again."""

    def parts(self, epoch: int) -> list[KGDataLoaderState]:
        """Both, in turn."""
        return [KGDataLoaderState.RS, KGDataLoaderState.KG]

    def passes(self, batches: Any, epoch: int) -> Iterator[Pass]:
        """One for each part, and the attention after them."""
        yield from super().passes(batches, epoch)
        self.model.eval()
        with torch.no_grad():
            self.model.update_attentive_A()


class MultiTaskPlan(KnowledgePlan):
    """MKR: interactions in each epoch, triples in each `kge_interval`-th."""

    loss_of_rows = "calculate_rs_loss"

    def parts(self, epoch: int) -> list[KGDataLoaderState]:
        """One or both."""
        return [KGDataLoaderState.RS, *[KGDataLoaderState.KG] * (epoch % self.config["kge_interval"] == 0)]


class AlternatingPlan(Plan):
    """RecVAE: `n_enc_epochs` passes for the encoder, a new prior, `n_dec_epochs` passes for the decoder."""

    whole_epochs = True

    def build_optimizers(self, learning_rate: float) -> dict[str, Any]:
        """One for the encoder and one for the decoder."""
        parts = {"encoder": self.model.encoder, "decoder": self.model.decoder}
        return {name: self.optimizer_settings.of(part.parameters(), learning_rate) for name, part in parts.items()}

    def passes(self, batches: Any, epoch: int) -> Iterator[Pass]:
        """The decoder's loss is that of the epoch."""
        for _ in range(self.config["n_enc_epochs"]):
            yield Pass(lambda batch: self.model.calculate_loss(batch, True), self.optimizers["encoder"], counts=False)
        self.model.update_prior()
        for _ in range(self.config["n_dec_epochs"]):
            yield Pass(lambda batch: self.model.calculate_loss(batch, False), self.optimizers["decoder"])


class ClusteringPlan(Plan):
    """NCL: clustering every `m_step` epochs, and the last part of the loss only after `warm_up_step`."""

    whole_epochs = True

    def passes(self, batches: Any, epoch: int) -> Iterator[Pass]:
        """One pass, after clustering."""
        if epoch % self.config["m_step"] == 0:
            self.model.e_step()
        warm = epoch >= self.config["warm_up_step"]
        loss = self.model.calculate_loss
        yield Pass(loss if warm else lambda batch: loss(batch)[:-1], self.optimizer)


def _length(batches: Any, state: KGDataLoaderState) -> int:
    batches.set_mode(state)
    return len(batches)


PLANS: dict[str, type[Plan]] = {
    "KGAT": AttentivePlan,
    "MKR": MultiTaskPlan,
    "NCL": ClusteringPlan,
    "RecVAE": AlternatingPlan,
}
"""By the model's name."""


def plan_of(config: Any) -> type[Plan]:
    """What an epoch of the configured model consists of."""
    default = KnowledgePlan if config["MODEL_TYPE"] == ModelType.KNOWLEDGE else Plan
    return PLANS.get(config.entry.registered, default)


def pretrains(config: Any) -> bool:
    """Whether a run is a stage of pre-training, which is not validated."""
    return config["train_stage"] in PRETRAINED.get(config.entry.registered, ())


def planned_epochs(config: Any) -> int:
    """Epochs of a run without stages: non-learned models have one."""
    if config["MODEL_TYPE"] == ModelType.TRADITIONAL:
        return 1
    return config["pretrain_epochs"] if pretrains(config) else config["epochs"]


class PretrainedFiles(Hook):
    """RecBole's models read the weights of pre-training from a `.pth`; every `save_step` epochs one, of tensors only.

    Args:
        config: of the run.
        model: whose weights they are.
        folder: for the files.
    """

    def __init__(self, config: Any, model: Any, folder: Path) -> None:
        self.config, self.model, self.folder = config, model, folder

    def after_epoch(self, epoch: int, seconds: float) -> None:
        """Write the file of an epoch."""
        if (epoch + 1) % self.config["save_step"] == 0:
            file = self.folder / f"{self.config.model}-{self.config.dataset}-{epoch + 1}.pth"
            torch.save({"state_dict": self.model.state_dict()}, file)
