"""Making what a run trains: the model on its device, and the trainer around it."""

import logging
from typing import Any

import torch
from recbole.utils import ModelType, init_seed

from recbole_ext.config.config import Config
from recbole_ext.data.loaders import Loaders
from recbole_ext.errors import memory_for
from recbole_ext.evaluation.evaluator import Evaluator, Scorer
from recbole_ext.pipeline.build_model import build_model
from recbole_ext.pipeline.loaders import training_sample
from recbole_ext.pipeline.start_weights import earlier_split, load_start
from recbole_ext.pipeline.table_memory import require_memory
from recbole_ext.tasks.registered import task_of
from recbole_ext.training.boosting import build_trees
from recbole_ext.training.session import Session
from recbole_ext.training.trainer import RunTrainer
from recbole_ext.training.trees import AnyTrainer, TreeTrainer

_LOG = logging.getLogger(__name__)


def build_on_device(config: Config, loaders: Loaders, is_resumed: bool = False) -> Any:
    """The model on its device, with the weights that `start_from` names, or the trees that are to be grown.

    Args:
        config, loaders: of the run.
        is_resumed: whether the state of training gives the model its weights afterwards.

    Raises:
        UsageError: those weights do not fit.
    """
    if config["MODEL_TYPE"] == ModelType.DECISIONTREE:
        return build_trees(config)
    starts = bool(config["start_from"]) and not is_resumed
    earlier = earlier_split(config) if starts else None
    init_seed(config["seed"], config["reproducibility"])
    require_memory(config, loaders.train._dataset)
    with memory_for(f"building {config.model}"):
        model = build_model(config, loaders.train._dataset).to(config["device"])
    if starts:
        load_start(config, model, earlier)
    if config["torch_compile"]:
        compile_forward(model, config["torch_compile_mode"])
    return model


def compile_forward(model: Any, mode: str) -> None:
    """Let torch compile the forward pass at its first batch; code is made once and kept in torch's cache.

    Args:
        model: on its device.
        mode: of `torch.compile`.
    """
    _LOG.warning("torch_compile: the first batches take minutes on a CPU, and less where torch finds its cache")
    model.forward = torch.compile(model.forward, dynamic=True, mode=mode)


def build_trainer(config: Config, loaders: Loaders, session: Session | None = None, model: Any = None) -> AnyTrainer:
    """A model in its trainer.

    Args:
        config, loaders: of the run.
        session: where the run writes and what it listens to; None for nothing.
        model: from `build_on_device`; None for a new one.
    """
    model = build_on_device(config, loaders) if model is None else model
    sample = training_sample(config, loaders)
    if not isinstance(model, torch.nn.Module):
        return TreeTrainer(config, model, session, sample)
    evaluator = Evaluator(model, scorer_of(config, loaders.train), config.placement)
    return RunTrainer(config, model, evaluator, session, sample)


def scorer_of(config: Config, train: Any) -> Scorer:
    """How the task of a run scores a split.

    Args:
        config: of the run.
        train: loader of its training split.
    """
    return task_of(config.entry).scorer(config, train)
