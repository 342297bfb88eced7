"""Protocol of a ranking beyond that of any run: presets of sequences, seen items, candidates and targets."""

from pathlib import Path
from typing import Any

from recbole.utils import ModelType

from recbole_ext.config.config import Config
from recbole_ext.data.columns.headers import INTER, Headers
from recbole_ext.data.rows.cut import parts_of
from recbole_ext.evaluation.protocol import FILE_ORDER, LABELED, TIME_KNOWN, TIME_UNREAD
from recbole_ext.tasks.ranking.data.seen import removes_seen_items
from recbole_ext.tasks.ranking.evaluation.relevance import relevant_field
from recbole_ext.tasks.ranking.evaluation.sampled_ranking import SampledRankingLoader


def ranking_facts(config: Config, loaders: Any) -> dict[str, Any]:
    """Fields of `Protocol`.

    Args:
        config: of the run.
        loaders: of the run; None for the facts of the configuration alone.
    """
    evaluation = [each for each in (loaders.valid, loaders.test) if each is not None] if loaders else []
    facts = {
        "name": f"recbole {config.entry.family}",
        "seen_items": _seen_items(config, evaluation),
        "candidate_seed": _candidate_seed(config, evaluation),
        "targets": _targets(config, evaluation),
    }
    return facts | _of_sequences(config, loaders) if config["MODEL_TYPE"] == ModelType.SEQUENTIAL else facts


def _of_sequences(config: Config, loaders: Any) -> dict[str, Any]:
    of_events = not (loaders and _reads_lists(config, loaders))
    timed = of_events and _has_times(config, loaders)
    return {
        "name": _name(config),
        "order": FILE_ORDER if of_events and not timed else "",
        "ordered_by_time": timed,
        "target_time": _target_time(config, timed),
        "max_length": config["MAX_ITEM_LIST_LENGTH"],
        "preset": config["protocol"],
        "changes": dict(config.protocol_changes),
    }


def _target_time(config: Config, timed: bool) -> str:
    if not (timed and config["use_target_time"]):
        return "target time not known"
    return TIME_KNOWN if config.entry.reads_target_time_with(config) else TIME_UNREAD


def _has_times(config: Config, loaders: Any) -> bool:
    """Whether events have times; before the data are read, whether the headers of their files name them."""
    if loaders:
        return bool(loaders.train._dataset.timed)
    encoding, field = config["encoding"] or "utf-8", config["TIME_FIELD"]
    headers = Headers(Path(config["data_path"]), config.dataset, parts_of(config), config["field_separator"], encoding)
    inter = headers.table(INTER)
    return bool(field) and (inter is None or field in inter.columns)


def _reads_lists(config: Config, loaders: Any) -> bool:
    """Whether histories are written out in the files, where no time orders them."""
    part = loaders.train._dataset
    return bool(parts_of(config)) and not hasattr(part, "events")


def _candidate_seed(config: Config, evaluation: list[Any]) -> int | None:
    modes = "".join(config["eval_args"]["mode"].values())
    sampled = [isinstance(loader, SampledRankingLoader) for loader in evaluation] or ["uni" in modes or "pop" in modes]
    return config["candidate_seed"] if any(sampled) else None


def _targets(config: Config, evaluation: list[Any]) -> str:
    lists = [loader for loader in evaluation if hasattr(loader, "seen")]
    field = config["LABEL_FIELD"]
    relevant = any(relevant_field(config, each._dataset) for each in lists)
    return "; ".join([f"targets have {field} above 0"] * relevant + _sampled(config))


def _sampled(config: Config) -> list[str]:
    """That a sample of users is evaluated."""
    count = config["tested_users"]
    return (
        [f"tested on at most {count:,} users, sampled with candidate_seed {config['candidate_seed']}"] if count else []
    )


def _name(config: Config) -> str:
    preset = str(config["protocol"])
    changes = ", ".join(f"{k}={v}" for k, v in config.protocol_changes.items())
    return f"{preset}, changed: {changes}" if changes else preset


def _seen_items(config: Config, evaluation: list[Any]) -> str:
    if config["eval_args"]["mode"]["test"] == "labeled":
        return LABELED
    removed = evaluation[-1].seen is not None if evaluation else removes_seen_items(config)
    return "seen items removed" if removed else "seen items stay candidates"
