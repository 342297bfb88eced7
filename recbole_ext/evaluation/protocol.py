"""What a number means: everything that moves a result besides the model.

Numbers of different protocols are never put in one column; `Protocol.key` is what must be equal.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from recbole.utils import ModelType

from recbole_ext.config.config import Config
from recbole_ext.config.keys.intervals import EVERYTHING
from recbole_ext.config.keys.metric_modes import metric_task
from recbole_ext.data.dataset import predicts_clicks
from recbole_ext.data.rows.cut import parts_of, told_split
from recbole_ext.tasks.ranking.data.seen import removes_seen_items
from recbole_ext.tasks.ranking.evaluation.relevance import relevant_field
from recbole_ext.tasks.ranking.evaluation.sampled_ranking import SampledRankingLoader
from recbole_ext.tasks.ratings.data import rates
from recbole_ext.versions import package_versions

_NO_TABLE = (".inter", ".yaml", ".json", ".tsv")
_NOT_COMPARED = ("seed", "packages", "task", "preset", "changes", "split_kind")
"""What may differ between results in one column, and what other fields of the protocol decide."""
_LABELED = "labelled rows are scored"
_TIME_KNOWN, _TIME_UNREAD = "target time known", "target time allowed, not read by the model"
"""One protocol: what a model may read is the same, so models that read it and others stand in one column."""
TRACKS = {"recbole": "A", "time_aware": "B", "no_time": "C"}


@dataclass(frozen=True)
class Protocol:
    """How a run was evaluated.

    Attributes:
        name: preset (and what the user changed), or the model family's RecBole setting.
        split: the global time cut with its instants, or RecBole's `eval_args` split and grouping.
        order: order of events and what happens to ties.
        seen_items: whether items of the history can be recommended.
        target_time: whether the time of the target event is known to the model.
        candidates: mode of the test, and of validation where it is another: `full`, `labeled`, `uni100`.
        min_counts: filters on users and items.
        max_length: longest history in events.
        seed: of the run.
        data_sha256: hash of each data file's bytes; of `.inter` files, those in use.
        packages: versions that can change a result.
        rows: interactions read and kept; "" in results of versions that did not record it.
        task: ranking, labels, trees, clicks or rating; "" in results of versions that did not record it, as below.
        preset: of sequence models, `protocol`.
        changes: keys of the preset that the user set to another value, with that value; None in results of versions
            that did not record them.
        split_kind: RS, LS, TS, or files.
        candidate_seed: of sampled candidates; None where none are sampled.
        filters: which interactions were taken out by value or as duplicates.
        targets: which rows are to be found; "" for all.
    """

    name: str
    split: str
    order: str
    seen_items: str
    target_time: str
    candidates: str
    min_counts: str
    max_length: int | None
    seed: int
    data_sha256: dict[str, str]
    packages: dict[str, str]
    rows: str = ""
    task: str = ""
    preset: str = ""
    changes: dict[str, Any] | None = None
    split_kind: str = ""
    candidate_seed: int | None = None
    filters: str = ""
    targets: str = ""

    @property
    def key(self) -> tuple[Any, ...]:
        """What two results must share to stand in one column: all but the seed and the packages."""
        return protocol_key(asdict(self))

    def lines(self, seeds: str = "") -> list[str]:
        """For a person, a few lines; of several runs, `seeds` says which theirs are."""
        return [
            f"protocol    {self.name}; split {self.split}; {self.order}",
            f"            {self.seen_items}; {self.target_time}; candidates: {self.candidates}{self._drawn()}",
            f"            min counts {self.min_counts}{self._of_rows()}; max length {self.max_length}; "
            f"{seeds or f'seed {self.seed}'}; data {self._hashes()}",
        ]

    def _hashes(self) -> str:
        return ", ".join(f"{name} {value[:12]}" for name, value in self.data_sha256.items() if name.endswith(".inter"))

    def _drawn(self) -> str:
        return "" if self.candidate_seed is None else f", drawn once with candidate_seed {self.candidate_seed}"

    def _of_rows(self) -> str:
        return "".join(f"; {text}" for text in (self.filters, self.targets) if text)


def read_protocol(facts: Mapping[str, Any]) -> Protocol:
    """The protocol of a `result.json`, of this version or an earlier one."""
    return Protocol(**_of_this_version(facts))


def protocol_key(facts: Mapping[str, Any]) -> tuple[Any, ...]:
    """See `Protocol.key`; what is empty counts as what was not recorded."""
    told = [(k, _TIME_KNOWN if v == _TIME_UNREAD else v) for k, v in _of_this_version(facts).items()]
    return tuple(sorted((k, str(v)) for k, v in told if k not in _NOT_COMPARED and v not in ("", None)))


def _of_this_version(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Earlier versions recorded of labelled rows, which are ranked among nothing, that seen items stay candidates."""
    labelled = facts.get("candidates") == "labeled" and facts.get("seen_items") == "seen items stay candidates"
    return {**facts, "seen_items": _LABELED} if labelled else dict(facts)


def protocol_of(config: Config, loaders: Any = None) -> Protocol:
    """How a run is evaluated.

    Args:
        config: of the run.
        loaders: what it reads; None for what the configuration alone says.
    """
    sequential = config["MODEL_TYPE"] == ModelType.SEQUENTIAL
    evaluation = [loaders.valid, loaders.test] if loaders else []
    timed = sequential and not (loaders and _reads_lists(config, loaders))
    return Protocol(
        name=_name(config) if sequential else _family(config),
        split=told_split(config) + _seeded(config) + _trained(config),
        order=_order(config, timed),
        seen_items=_seen_items(config, evaluation),
        target_time=_target_time(config, timed),
        candidates=_candidates(config),
        min_counts=f"users {_interval(config, 'user')}, items {_interval(config, 'item')}",
        max_length=config["MAX_ITEM_LIST_LENGTH"] if sequential or predicts_clicks(config) else None,
        seed=config["seed"],
        data_sha256=data_hashes(Path(config["data_path"]), config.dataset, parts_of(config)),
        packages=package_versions(),
        rows=loaders.ledger.kept_of_read() if loaders else "",
        task=metric_task(config.entry),
        preset=config["protocol"] if sequential else "",
        changes=dict(config.protocol_changes) if sequential else {},
        split_kind="files" if parts_of(config) else next(iter(config["eval_args"]["split"])),
        candidate_seed=_candidate_seed(config, evaluation),
        filters=_filters(config),
        targets=_targets(config, evaluation),
    )


def _target_time(config: Config, timed: bool) -> str:
    if not (timed and config["use_target_time"]):
        return "target time not known"
    return _TIME_KNOWN if config.entry.reads_target_time else _TIME_UNREAD


def _reads_lists(config: Config, loaders: Any) -> bool:
    """Whether histories are written out in the files, where no time orders them."""
    part = loaders.train._dataset
    return bool(parts_of(config)) and not hasattr(part, "events")


def _candidates(config: Config) -> str:
    test, valid = (config["eval_args"]["mode"][split] for split in ("test", "valid"))
    return test if test == valid else f"{test} (validation {valid})"


def _candidate_seed(config: Config, evaluation: list[Any]) -> int | None:
    modes = "".join(config["eval_args"]["mode"].values())
    sampled = [isinstance(loader, SampledRankingLoader) for loader in evaluation] or ["uni" in modes or "pop" in modes]
    return config["candidate_seed"] if any(sampled) else None


def _filters(config: Config) -> str:
    """Which interactions are taken out by a value or as duplicates."""
    intervals = config["val_interval"] or {}
    told = [f"{name} in {given}" for name, given in intervals.items()]
    duplicates = config["rm_dup_inter"]
    return ", ".join(told + [f"of repeated pairs the {duplicates} row"] * bool(duplicates))


def _targets(config: Config, evaluation: list[Any]) -> str:
    lists = [loader for loader in evaluation if hasattr(loader, "seen")]
    field = config["LABEL_FIELD"]
    return f"targets have {field} above 0" if any(relevant_field(config, each._dataset) for each in lists) else ""


def _interval(config: Config, side: str) -> str:
    given = config[f"{side}_inter_num_interval"]
    return "all" if given in EVERYTHING else given


def _name(config: Config) -> str:
    preset = (
        f"{config['protocol']} (track {TRACKS[config['protocol']]})"
        if config["protocol"] in TRACKS
        else config["protocol"]
    )
    changes = ", ".join(f"{k}={v}" for k, v in config.protocol_changes.items())
    return f"{preset}, changed: {changes}" if changes else preset


def _family(config: Config) -> str:
    if predicts_clicks(config):
        told = f"clicks, histories of {config['history_from']}, implicit sets {config['implicit_sets']}"
        return told + (f", labels next in time {config['next_in_time']}" if "sets" in config["branches"] else "")
    return f"recbole {config.entry.family}"


def _seeded(config: Config) -> str:
    return f", split seed {config['split_seed']}" if rates(config) else ""


def _trained(config: Config) -> str:
    return ", trained on training and validation rows" if config["train_on"] == "train_valid" else ""


def _order(config: Config, timed: bool) -> str:
    unit = "" if config["time_unit"] == "seconds" else f", times in {config['time_unit']}"
    if parts_of(config) and not timed:
        return f"order of the files{unit}"
    if config["eval_args"]["order"] != "TO":
        return f"random order{unit}"
    if config["time_order"] == "recbole":
        return f"RecBole's float32 time order, ties in file order{unit}"
    return f"exact time order, ties in file order{unit}"


def _seen_items(config: Config, evaluation: list[Any]) -> str:
    if rates(config):
        return "ratings predicted, clipped to the scale"
    if config["eval_args"]["mode"]["test"] == "labeled":
        return _LABELED
    removed = evaluation[-1].seen is not None if evaluation else removes_seen_items(config)
    return "seen items removed" if removed else "seen items stay candidates"


def data_hashes(folder: Path, dataset: str, parts: list[str]) -> dict[str, str]:
    """sha256 by name of the interaction files in use, and of every table beside them.

    Tables count whether or not the model loads them, so that models with and without features can be compared.
    """
    used = [f"{dataset}.{part}.inter" for part in parts] or [f"{dataset}.inter"]
    tables = [path.name for path in sorted(folder.glob(f"{dataset}.*")) if path.suffix not in _NO_TABLE]
    paths = {name: folder / name for name in [*used, *tables]}
    kept = {name: (path, path.stat()) for name, path in paths.items() if path.is_file()}
    return {name: _sha256(path, at.st_size, at.st_mtime_ns) for name, (path, at) in kept.items()}


@lru_cache(maxsize=256)
def _sha256(path: Path, size: int, modified_ns: int) -> str:
    """Of a file, read once as long as it has this size and time."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
