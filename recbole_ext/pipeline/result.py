"""What `result.json` holds of every run, trained or imported."""

from dataclasses import asdict
from typing import Any

import torch
from recbole.evaluator.register import smaller_metrics

from recbole_ext.config.config import Config
from recbole_ext.evaluation.evaluator import Evaluator
from recbole_ext.evaluation.protocol import Protocol
from recbole_ext.peak_memory import peak_memory_bytes
from recbole_ext.runs.run_directory import RunDirectory
from recbole_ext.training.state import TrainingState


def parameters_of(model: Any) -> int | None:
    """Trainable ones; None for boosted trees."""
    if not isinstance(model, torch.nn.Module):
        return None
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def run_result(
    config: Config,
    evaluator: Evaluator,
    state: TrainingState,
    protocol: Protocol,
    directory: RunDirectory | None,
    test: dict[str, float] | None,
    baselines: dict[str, dict[str, float]],
) -> dict[str, Any]:
    """Metrics, baselines, protocol and costs.

    Args:
        config: of the run.
        evaluator: which has evaluated its splits.
        state: of its training.
        protocol: of its evaluation.
        directory: of the run; None for a process that writes nothing.
        test: metrics; None for a run that only chooses, and for one that was trained on all rows.
        baselines: name -> metrics.
    """
    on_gpu = config["device"].type == "cuda"
    return {
        "model": config.model,
        "dataset": config.dataset,
        "parameters": parameters_of(evaluator.model),
        "best_epoch": None if state.best_epoch is None else state.best_epoch + 1,
        "epochs_trained": len(state.train_losses),
        "batch_halvings": state.halvings,
        "rollbacks": state.retries,
        "valid_metric": config["valid_metric"],
        "valid_metric_bigger": config["valid_metric_bigger"],
        "smaller_metrics": [name for name in map(str.lower, config["metrics"]) if name in smaller_metrics],
        "trained_on": config["train_on"],
        "tested_on": "nothing" if test is None else "test",
        "final_of": config["final_of"],
        "start_from": config["start_from"],
        "valid": state.best_valid_result,
        "test": test,
        "baselines": baselines,
        "protocol": asdict(protocol),
        "candidates": evaluator.candidates,
        "peak_memory_mb": round(peak_memory_bytes() / 2**20),
        "peak_gpu_memory_mb": round(torch.cuda.max_memory_reserved(config["device"]) / 2**20) if on_gpu else None,
        "unread_settings": config.unread,
        "run_directory": str(directory.path) if directory else None,
    }
