"""The protocol of a run: the facts of its configuration and its data, and those of its task."""

from pathlib import Path
from typing import Any

from recbole_ext.config.config import Config
from recbole_ext.config.keys.intervals import EVERYTHING
from recbole_ext.config.keys.train_on import ALL, ALL_ROWS, TRAIN_VALID
from recbole_ext.data.rows.cut import parts_of, split_text
from recbole_ext.evaluation.protocol import Protocol, data_hashes
from recbole_ext.tasks.registered import task_of
from recbole_ext.versions import package_versions


def protocol_of(config: Config, loaders: Any = None) -> Protocol:
    """How a run is evaluated.

    Args:
        config: of the run.
        loaders: what it reads; None for the facts of the configuration alone.
    """
    task = task_of(config.entry)
    facts: dict[str, Any] = {
        "order": "",
        "ordered_by_time": False,
        "split_suffix": "",
        "target_time": "target time not known",
        "max_length": None,
        "changes": {},
    }
    facts |= task.protocol_facts(config, loaders)
    by_time = facts.pop("ordered_by_time")
    return Protocol(
        split=_split(config, facts.pop("split_suffix")),
        order=facts.pop("order") or _order(config, by_time),
        candidates=_candidates(config),
        min_counts=f"users {_interval(config, 'user')}, items {_interval(config, 'item')}",
        seed=config["seed"],
        data_sha256=data_hashes(Path(config["data_path"]), config.dataset, parts_of(config)),
        packages=package_versions(),
        rows=loaders.ledger.kept_of_read() if loaders else "",
        task=task.name,
        split_kind="files" if parts_of(config) else next(iter(config["eval_args"]["split"])),
        filters=_filters(config),
        **facts,
    )


def _candidates(config: Config) -> str:
    test, valid = (config["eval_args"]["mode"][split] for split in ("test", "valid"))
    return test if test == valid else f"{test} (validation {valid})"


def _filters(config: Config) -> str:
    """Which interactions are taken out by a value or as duplicates."""
    intervals = config["val_interval"] or {}
    limits = [f"{name} in {given}" for name, given in intervals.items()]
    duplicates = config["rm_dup_inter"]
    return ", ".join(limits + [f"of repeated pairs the {duplicates} row"] * bool(duplicates))


def _interval(config: Config, side: str) -> str:
    given = config[f"{side}_inter_num_interval"]
    return "all" if given in EVERYTHING else given


def _split(config: Config, suffix: str) -> str:
    if config["train_on"] == ALL:
        return f"none, {ALL_ROWS}"
    trained = ", trained on training and validation rows" if config["train_on"] == TRAIN_VALID else ""
    return split_text(config) + suffix + trained


def _order(config: Config, timed: bool) -> str:
    unit = "" if config["time_unit"] == "seconds" else f", times in {config['time_unit']}"
    if parts_of(config) and not timed:
        return f"order of the files{unit}"
    if config["eval_args"]["order"] != "TO":
        return f"random order{unit}"
    order = "RecBole's float32" if config["time_order"] == "recbole" else "exact"
    return f"{order} time order, ties in {config['tie_order']} order{unit}"
