"""What a number means: everything that moves a result besides the model.

Numbers of different protocols are never put in one column; `Protocol.key` is what must be equal.
"""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from recbole.utils import ModelType

from recbole_ext.config.config import Config
from recbole_ext.environment import package_versions

TRACKS = {"recbole": "A", "time_aware": "B", "no_time": "C"}


@dataclass(frozen=True)
class Protocol:
    """How a run was evaluated.

    Attributes:
        name: preset (and what the user changed), or the model family's RecBole setting.
        split: RecBole's `eval_args` split and grouping.
        order: order of events and what happens to ties.
        seen_items: whether items of the history can be recommended.
        target_time: whether the time of the target event is known to the model.
        candidates: `full`, or the number of sampled ones.
        min_counts: filters on users and items.
        max_length: longest history in events.
        seed: of the run.
        data_sha256: hash of each data file's bytes.
        packages: versions that can change a result.
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

    @property
    def key(self) -> tuple[Any, ...]:
        """What two results must share to stand in one column: all but the seed and the packages."""
        facts = asdict(self)
        return tuple(sorted((k, str(v)) for k, v in facts.items() if k not in ("seed", "packages")))

    def lines(self) -> list[str]:
        """For a person, a few lines."""
        return [
            f"protocol    {self.name}; split {self.split}; {self.order}",
            f"            {self.seen_items}; {self.target_time}; candidates: {self.candidates}",
            f"            min counts {self.min_counts}; max length {self.max_length}; seed {self.seed}; "
            f"data {', '.join(f'{n} {h[:12]}' for n, h in self.data_sha256.items() if n.endswith('.inter'))}",
        ]


def protocol_of(config: Config) -> Protocol:
    """The protocol that a configuration amounts to."""
    sequential = config["MODEL_TYPE"] == ModelType.SEQUENTIAL
    arguments = config["eval_args"]
    return Protocol(
        name=_name(config) if sequential else f"recbole {config.entry.family}",
        split=f"{arguments['split']} by {arguments['group_by']}",
        order=_order(config, arguments["order"]),
        seen_items=_seen_items(config, sequential),
        target_time="target time known" if sequential and config["use_target_time"] else "target time not known",
        candidates=arguments["mode"]["test"],
        min_counts=f"users {_interval(config, 'user')}, items {_interval(config, 'item')}",
        max_length=config["MAX_ITEM_LIST_LENGTH"] if sequential else None,
        seed=config["seed"],
        data_sha256=data_hashes(Path(config["data_path"]), config.dataset),
        packages=package_versions(),
    )


def _interval(config: Config, side: str) -> str:
    given = config[f"{side}_inter_num_interval"]
    return "all" if given in (None, "[0,inf)") else given


def _name(config: Config) -> str:
    preset = (
        f"{config['protocol']} (track {TRACKS[config['protocol']]})"
        if config["protocol"] in TRACKS
        else config["protocol"]
    )
    changes = ", ".join(f"{k}={v}" for k, v in config.protocol_changes.items())
    return f"{preset}, changed: {changes}" if changes else preset


def _order(config: Config, order: str) -> str:
    if order != "TO":
        return "random order"
    if config["time_order"] == "recbole":
        return "RecBole's float32 time order, ties in file order"
    return "exact time order, ties in file order"


def _seen_items(config: Config, sequential: bool) -> str:
    filtered = config["filter_seen_items"] if sequential else not config["repeatable"]
    full = config["eval_args"]["mode"]["test"] == "full"
    return "seen items removed" if filtered and full else "seen items stay candidates"


def data_hashes(folder: Path, dataset: str) -> dict[str, str]:
    """sha256 of every file of the data set, by file name."""
    return {
        path.name: _sha256(path)
        for path in sorted(folder.glob(f"{dataset}.*"))
        if path.is_file() and path.suffix != ".yaml"
    }


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
