"""Which of RecBole's models start from the weights of another run, and under which settings."""

from pathlib import Path
from typing import Any

from recbole_ext.config.yaml_reader import read_yaml
from recbole_ext.model_entry import ModelEntry


def pretrained_keys(model: str, values: Any) -> tuple[str, ...]:
    """The keys that must hold a path to weights trained before, under these settings.

    Args:
        model: a name of the registry.
        values: the settings, by key.
    """
    if model == "NeuMF" and values["use_pretrain"]:
        return "mf_pretrain_path", "mlp_pretrain_path"
    if model == "NAIS" and values["pretrain_path"]:
        return ("pretrain_path",)
    if model == "KD_DAGFM" and values["phase"] != "teacher_training":
        return ("warm_up",)
    first = {"ConvNCF": ("train_method", "no_pretrain"), "RaCT": ("train_stage", "actor_pretrain")}
    key, without = first.get(model, ("train_stage", "pretrain"))
    return ("pre_model_path",) if model in ("ConvNCF", "RaCT", "S3Rec") and values[key] != without else ()


def start_faults(entry: ModelEntry, layers: Any, values: dict[str, Any]) -> list[str]:
    """What is wrong with the run from whose weights training goes on."""
    given = values.get("start_from")
    if not given:
        return []
    folder = Path(str(given))
    if not (folder / "config.yaml").is_file() or not (folder / "checkpoint" / "best.json").is_file():
        return [f"start_from: {given} is not the directory of a run with weights; give one that training left"]
    if entry.family == "exlib":
        return [f"start_from: {entry.name} grows trees, which have no weights to go on from; leave it out"]
    trained = read_yaml(folder / "config.yaml")[0].get("model")
    if trained != (entry.reference or entry.name):
        return [f"start_from: {given} is a run of {trained}, and this is {entry.name}; give a run of the same model"]
    return []


def pretrained_faults(entry: ModelEntry, layers: Any, values: dict[str, Any]) -> list[str]:
    """An error for each path that is needed and not set."""
    needed = pretrained_keys(entry.registered, values)
    faults = [
        f"{key}: {entry.name} starts from a finished run's directory, or a .pth file; it is not set; "
        f"{_HOW[entry.registered]}"
        for key in needed
        if not values.get(key)
    ]
    if entry.registered == "NeuMF" and needed and not (values["mf_train"] and values["mlp_train"]):
        faults.append("use_pretrain: NeuMF joins two runs; it needs mf_train: True and mlp_train: True")
    return faults


_HOW = {
    "NeuMF": "train them with --mlp_train=False and with --mf_train=False",
    "NAIS": "train one with --model=FISM",
    "ConvNCF": "train one with --model=BPR",
    "S3Rec": "train one with --train_stage=pretrain",
    "RaCT": "train one with --train_stage=actor_pretrain, then critic_pretrain",
    "KD_DAGFM": "train one with --phase=teacher_training, then distillation",
}
