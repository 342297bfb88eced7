"""What a number means: everything that moves a result besides the model.

Numbers of different protocols are never put in one column; `Protocol.key` is what must be equal.
"""

import hashlib
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from recbole.utils import ModelType

from recbole_ext.config.config import Config
from recbole_ext.data.cut import NO_FILTER, parts_of, told_split
from recbole_ext.data.dataset import predicts_clicks
from recbole_ext.data.ratings import rates
from recbole_ext.versions import package_versions

_NO_TABLE = (".inter", ".yaml", ".json", ".tsv")
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
        candidates: `full`, or the number of sampled ones.
        min_counts: filters on users and items.
        max_length: longest history in events.
        seed: of the run.
        data_sha256: hash of each data file's bytes; of `.inter` files, those in use.
        packages: versions that can change a result.
        rows: interactions read and kept; "" in results of versions that did not record it.
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

    @property
    def key(self) -> tuple[Any, ...]:
        """What two results must share to stand in one column: all but the seed and the packages."""
        facts = asdict(self)
        return tuple(sorted((k, str(v)) for k, v in facts.items() if k not in ("seed", "packages")))

    def lines(self, seeds: str = "") -> list[str]:
        """For a person, a few lines; of several runs, `seeds` says which theirs are."""
        return [
            f"protocol    {self.name}; split {self.split}; {self.order}",
            f"            {self.seen_items}; {self.target_time}; candidates: {self.candidates}",
            f"            min counts {self.min_counts}; max length {self.max_length}; {seeds or f'seed {self.seed}'}; "
            f"data {', '.join(f'{n} {h[:12]}' for n, h in self.data_sha256.items() if n.endswith('.inter'))}",
        ]


def protocol_of(config: Config, rows: str = "") -> Protocol:
    """The protocol that a configuration amounts to, on interactions that `Ledger.kept_of_read` counts."""
    sequential = config["MODEL_TYPE"] == ModelType.SEQUENTIAL
    arguments = config["eval_args"]
    return Protocol(
        name=_name(config) if sequential else _family(config),
        split=told_split(config) + _seeded(config) + _trained(config),
        order=_order(config, sequential),
        seen_items=_seen_items(config, sequential),
        target_time="target time known" if sequential and config["use_target_time"] else "target time not known",
        candidates=arguments["mode"]["test"],
        min_counts=f"users {_interval(config, 'user')}, items {_interval(config, 'item')}",
        max_length=config["MAX_ITEM_LIST_LENGTH"] if sequential or predicts_clicks(config) else None,
        seed=config["seed"],
        data_sha256=data_hashes(Path(config["data_path"]), config.dataset, parts_of(config)),
        packages=package_versions(),
        rows=rows,
    )


def _interval(config: Config, side: str) -> str:
    given = config[f"{side}_inter_num_interval"]
    return "all" if given in NO_FILTER else given


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


def _order(config: Config, sequential: bool) -> str:
    unit = "" if config["time_unit"] == "seconds" else f", times in {config['time_unit']}"
    if parts_of(config) and not sequential:
        return f"order of the files{unit}"
    if config["eval_args"]["order"] != "TO":
        return f"random order{unit}"
    if config["time_order"] == "recbole":
        return f"RecBole's float32 time order, ties in file order{unit}"
    return f"exact time order, ties in file order{unit}"


def _seen_items(config: Config, sequential: bool) -> str:
    if rates(config):
        return "ratings predicted, clipped to the scale"
    filtered = config["filter_seen_items"] if sequential else not config["repeatable"]
    full = config["eval_args"]["mode"]["test"] == "full"
    return "seen items removed" if filtered and full else "seen items stay candidates"


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
