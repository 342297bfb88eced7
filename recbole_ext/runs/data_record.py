"""`data.json` of a run: the bytes of the files that it read, and the rows of its splits.

    {"format": 1, "sha256": {"made.inter": "..."}, "tables": {"train": {"rows": 80, "sha256": "..."}, ...},
     "stored": "..."}

The first shows whether a file has changed. The second shows whether the change matters: `tables` are the splits as
the model and the metrics read them, and the features of users and items. `stored` is the sha256 of `data.safetensors`.
"""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recbole_ext.config.config import Config
from recbole_ext.data.history import HistoryRows
from recbole_ext.data.rows.cut import parts_of
from recbole_ext.evaluation.protocol import data_hashes
from recbole_ext.files import write_atomically
from recbole_ext.runs.run_files import read_result
from recbole_ext.runs.run_kinds import DATA

FILE = "data.json"


@dataclass(frozen=True)
class Table:
    """Number of rows, and sha256 of the columns."""

    rows: int
    sha256: str


@dataclass(frozen=True)
class DataRecord:
    """What a run read.

    Attributes:
        sha256: of each data file, by its name.
        tables: `train`, `valid` (where there is one), `test`, the tables of features by their names,
            `item_vectors` where some are given, and for clicks the kinds of `behaviours`; {} in runs of versions that
            recorded none.
        stored: sha256 of `data.safetensors`; None for a run that stored no data.
    """

    sha256: dict[str, str]
    tables: dict[str, Table]
    stored: str | None = None

    def changed(self, now: dict[str, str]) -> list[str]:
        """Names of the files whose bytes are not those of the run; a file that has come or gone counts."""
        return [name for name in {**self.sha256, **now} if self.sha256.get(name) != now.get(name)]


def files_now(config: Config) -> dict[str, str]:
    """sha256 of the data files that a configuration names, by name."""
    return data_hashes(Path(config["data_path"]), config.dataset, parts_of(config))


def record_of(config: Config, loaders: Any, stored: str | None = None) -> DataRecord:
    """What the loaders of a run read, and the sha256 of the data that the run stores."""
    return DataRecord(files_now(config), tables_of(loaders), stored)


def write_record(run: Path, record: DataRecord) -> None:
    """Write the file into a run's directory.

    Raises:
        ResourceError: the disk refuses.
    """
    write_atomically(run / FILE, json.dumps({"format": DATA.version, **asdict(record)}, indent=2).encode())


def read_record(run: Path) -> DataRecord | None:
    """What `write_record` wrote; of a run of an earlier version, the sha256 of its result; None without both.

    Raises:
        DataError: the file is damaged or of another format.
    """
    if os.path.lexists(run / FILE):
        found = DATA.read_json(run / FILE)
        tables = {name: Table(of["rows"], of["sha256"]) for name, of in found["tables"].items()}
        return DataRecord(found["sha256"], tables, found.get("stored"))
    hashes = (read_result(run).get("protocol") or {}).get("data_sha256")
    return DataRecord(hashes, {}) if hashes else None


def tables_of(loaders: Any) -> dict[str, Table]:
    """The splits and the features, as the loaders hold them."""
    dataset = loaders.train._dataset
    parts = {name: getattr(loaders, name) for name in ("train", "valid", "test")}
    tables = {name: loader._dataset.inter_feat for name, loader in parts.items() if loader is not None}
    tables |= {name: getattr(dataset, name) for name in dataset.feat_name_list if name != "inter_feat"}
    known: dict[int, str] = {}
    found = {name: Table(len(table), _digest(table, known)) for name, table in tables.items() if table is not None}
    vectors = getattr(dataset, "item_vectors", None)
    if vectors is not None:
        found["item_vectors"] = Table(len(vectors), _digest({"vectors": vectors, "known": dataset.has_vector}, known))
    kinds = getattr(dataset, "behaviour_names", None)  # clicks: their codes in histories are places in this list
    if kinds:
        found["behaviours"] = Table(len(kinds), hashlib.sha256(repr(kinds).encode()).hexdigest())
    return found


def _digest(table: Any, known: dict[int, str]) -> str:
    """sha256 of a table's columns; events that several splits share are read once."""
    digest = hashlib.sha256()
    if isinstance(table, HistoryRows):
        events = table.events
        if id(events) not in known:
            known[id(events)] = _digest(events.columns, known)
        digest.update(known[id(events)].encode())
        _add(digest.update, "target", table.target.numpy())
        return digest.hexdigest()
    columns = table if isinstance(table, dict) else {name: table[name] for name in table}
    for name in sorted(columns):
        _add(digest.update, name, np.asarray(columns[name]))
    return digest.hexdigest()


def _add(update: Callable[[Any], None], name: str, values: np.ndarray) -> None:
    """Add a column with its name, type and shape."""
    update(f"{name} {values.dtype} {values.shape} ".encode())
    plain = values if values.dtype != object else np.frombuffer(repr(values.tolist()).encode(), dtype=np.uint8)
    update(np.ascontiguousarray(plain).view(np.uint8).data)
