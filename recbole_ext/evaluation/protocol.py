"""What a number means: everything that moves a result besides the model.

Numbers of different protocols are never put in one column; `Protocol.key` is what must be equal.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from glob import escape
from pathlib import Path
from typing import Any

from recbole_ext.evaluation.tables import labelled
from recbole_ext.files import sha256_of

_TRACK = re.compile(r" \(track [ABC]\)")
_NO_GROUP = re.compile(r" by [Nn]one\b")
_NO_TABLE = (".inter", ".yaml", ".json", ".tsv")
_NOT_COMPARED = ("seed", "packages", "task", "preset", "changes", "split_kind", "max_length")
"""What may differ between results in one column, and what other fields of the protocol decide. How far back a model
looks is a setting of it: targets and candidates stay the same."""
LABELED = "labelled rows are scored"
TIME_KNOWN, TIME_UNREAD = "target time known", "target time allowed, not read by the model"
"""One protocol: what a model may read is the same, so models that read it and others share a column."""


FILE_ORDER = "no times: file order"
"""Order of events in data without times."""


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
        task: ranking, ratings or clicks; other words, or "", in results of earlier versions.
        preset: of sequence models, `protocol`; this and what follows is empty where a version did not record it.
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
        """What two results must have in common to be in one column: all but seed, packages and the longest history."""
        return protocol_key(asdict(self))

    def lines(self, seeds: str = "", max_length: str = "") -> list[str]:
        """For a person, a few lines; of several runs, `seeds` and `max_length` say what theirs are."""
        length = max_length or self.max_length
        longest = f"max length {length}; " if length else ""  # of models that read histories
        split = re.sub(r"[{}']", "", self.split)
        return labelled(
            "protocol",
            f"{self.name}; split {split}; {self.order}; {self.seen_items}; {self.target_time}; "
            f"candidates: {self.candidates}{self._sampled()}; min counts {self.min_counts}{self._of_rows()}; "
            f"{longest}{seeds or f'seed {self.seed}'}; data {self._hashes()}",
        )

    def line(self) -> str:
        """What decides what a value means, in a line."""
        return f"{self.name}; {self.seen_items}; {self.target_time}; candidates: {self.candidates}; seed {self.seed}"

    def _hashes(self) -> str:
        return ", ".join(f"{name} {value[:12]}" for name, value in self.data_sha256.items() if name.endswith(".inter"))

    def _sampled(self) -> str:
        return "" if self.candidate_seed is None else f", sampled once with candidate_seed {self.candidate_seed}"

    def _of_rows(self) -> str:
        return "".join(f"; {text}" for text in (self.filters, self.targets) if text)


def read_protocol(facts: Mapping[str, Any]) -> Protocol:
    """The protocol of a `result.json`, of this version or an earlier one."""
    return Protocol(**_of_this_version(facts))


def protocol_key(facts: Mapping[str, Any]) -> tuple[Any, ...]:
    """See `Protocol.key`; what is empty counts as what was not recorded."""
    shown = [(k, TIME_KNOWN if v == TIME_UNREAD else v) for k, v in _of_this_version(facts).items()]
    return tuple(sorted((k, str(v)) for k, v in shown if k not in _NOT_COMPARED and v not in ("", None)))


def _of_this_version(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Earlier versions: presets with a letter, splits `by None`, and labelled rows whose seen items stay candidates."""
    labelled = facts.get("candidates") == "labeled" and facts.get("seen_items") == "seen items stay candidates"
    named = {**facts, "name": _TRACK.sub("", str(facts["name"]))} if "name" in facts else dict(facts)
    if "split" in named:
        named["split"] = _NO_GROUP.sub(" over all rows", str(named["split"]))
    return {**named, "seen_items": LABELED} if labelled else named


def data_hashes(folder: Path, dataset: str, parts: list[str]) -> dict[str, str]:
    """sha256 by name of the interaction files in use, and of every table with them.

    Tables count whether or not the model loads them, so that models with and without features can be compared.
    """
    used = [f"{dataset}.{part}.inter" for part in parts] or [f"{dataset}.inter"]
    tables = [path.name for path in sorted(folder.glob(f"{escape(dataset)}.*")) if path.suffix not in _NO_TABLE]
    paths = {name: folder / name for name in [*used, *tables]}
    kept = {name: (path, path.stat()) for name, path in paths.items() if path.is_file()}
    return {name: _sha256(path, at.st_size, at.st_mtime_ns) for name, (path, at) in kept.items()}


@lru_cache(maxsize=256)
def _sha256(path: Path, size: int, modified_ns: int) -> str:
    """Of a file, read once as long as it has this size and time."""
    return sha256_of(path)
