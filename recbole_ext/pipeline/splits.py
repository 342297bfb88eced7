"""The splits of a run: opened here by the run itself, and by everything that answers for it afterwards."""

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from recbole.utils import init_seed

from recbole_ext.config.config import Config
from recbole_ext.data.loaders import Loaders
from recbole_ext.data.rows.filters import GrowingVocabulary
from recbole_ext.errors import DataError
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.runs.data_record import DataRecord, files_now, read_record, tables_of
from recbole_ext.runs.stored_data import FILE as STORED
from recbole_ext.runs.stored_data import StoredData, read_stored, stored_data
from recbole_ext.runs.vocabulary import FILE as VOCABULARY
from recbole_ext.runs.vocabulary import Vocabulary, read_vocabulary

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Splits:
    """The data of a run.

    Attributes:
        dataset: all of it, split.
        loaders: of its splits.
        stored: what a run that begins stores of it; None for a run that is opened again, and with `store_data: False`.
    """

    dataset: Any
    loaders: Loaders
    stored: StoredData | None = None


def started_vocabulary(config: Config) -> Vocabulary | None:
    """The numbers of tokens of the run that `start_from` names; None where nothing is named.

    Raises:
        DataError: that run recorded none.
    """
    if not config["start_from"]:
        return None
    found = read_vocabulary(Path(config["start_from"]))
    if found is None:
        raise DataError(f"start_from: {config['start_from']} recorded no numbers of users and items; train it again")
    return GrowingVocabulary(found) if config.entry.grows else found


def settle_torch(config: Config) -> None:
    """Threads and the precision of matrix products, which are torch's own for the whole process."""
    if config["torch_threads"]:
        torch.set_num_threads(config["torch_threads"])
    torch.set_float32_matmul_precision("high" if config["tf32"] else "highest")


def open_splits(config: Config, run: Path | None = None, raw: bool = True) -> Splits:
    """The data of a run, with its seed, threads and precision.

    A run that begins reads, filters and splits the raw data. A run that is opened again has them in its directory;
    without them, or where the raw data is another one, the raw data is read and compared.

    Args:
        config: of the run.
        run: the directory of the run that was trained on these splits; None for a run that begins.
        raw: whether the raw data that the configuration names, where it is there, must be that of the run.

    Raises:
        DataError: the data is not what the run was trained on, or cannot be read.
        UsageError: there is no such data set, or its settings do not go together.
    """
    settle_torch(config)
    init_seed(config["seed"], config["reproducibility"])
    record = read_record(run) if run else None
    if run is None and config["final_of"]:
        require_its_files(config, Path(config["final_of"]["run"]), "its epochs and settings are for other data")
    if run is None or record is None:
        dataset = create_dataset(config, started_vocabulary(config))
        stored = stored_data(dataset) if config["store_data"] and config.placement.leads else None
        return Splits(dataset, build_loaders(config, dataset), stored)
    stored_file = record.stored if os.path.lexists(run / STORED) else None
    now = files_now(config) if raw or not stored_file else {}
    changed = record.changed(now) if now else []  # without any file, reading reports what is missing
    if stored_file and not changed:
        return _restored(config, run, record, stored_file)
    return _read_again(config, run, record, now, changed)


def require_its_files(config: Config, run: Path, so: str = "its splits cannot be opened") -> None:
    """Compare the bytes of the data files with those that a run read; `so` is what follows from another file.

    Raises:
        DataError: a file is another one, is missing, or has come, or the run has no record of what it read.
    """
    record, now = recorded_data(run), files_now(config)
    changed = record.changed(now)
    if changed:
        raise _other_data(config, run, record, now, changed, so)


def recorded_data(run: Path) -> DataRecord:
    """What a run read.

    Raises:
        DataError: the run does not record it, or the file is damaged.
    """
    record = read_record(run)
    if record is None:
        raise DataError(
            f"{run}: neither data.json nor result.json records the data it was trained on, so the data cannot be "
            "verified; run it again"
        )
    return record


def _restored(config: Config, run: Path, record: DataRecord, sha256: str) -> Splits:
    """The splits of the data that the run stored."""
    vocabulary = read_vocabulary(run)
    if vocabulary is None:
        raise DataError(
            f"{run / VOCABULARY} is missing, so internal ids cannot be mapped to users and items; restore it"
        )
    dataset = create_dataset(config, vocabulary, read_stored(run, sha256, vocabulary))
    loaders = build_loaders(config, dataset)
    if tables_of(loaders) != record.tables:
        raise _other_data(config, run, record, {}, [])
    return Splits(dataset, loaders)


def _read_again(config: Config, run: Path, record: DataRecord, now: dict[str, str], changed: list[str]) -> Splits:
    """The splits of the raw data, compared with what the run read."""
    if changed and not record.tables:
        raise _other_data(config, run, record, now, changed)
    try:
        dataset = create_dataset(config, read_vocabulary(run))
        loaders = build_loaders(config, dataset)
    except DataError:
        if not changed:
            raise
        raise _other_data(config, run, record, now, changed) from None
    if record.tables and tables_of(loaders) != record.tables:
        raise _other_data(config, run, record, now, changed)
    for name in changed:
        _LOG.warning("%s has other bytes than the run's (sha256 %s), and the same rows", name, now.get(name, "-"))
    return Splits(dataset, loaders)


def _other_data(
    config: Config,
    run: Path,
    record: DataRecord,
    now: dict[str, str],
    changed: list[str],
    so: str = "its splits cannot be opened",
) -> DataError:
    if not changed:
        return DataError(
            f"{run}: the files are those of the run, and this version reads or splits them otherwise; install the "
            "versions that environment.json of the run names, or run it again"
        )
    name = changed[0]
    then, found = record.sha256.get(name, "no such file"), now.get(name, "no such file")
    return DataError(
        f"{Path(config['data_path']) / name} is not what {run.name} was trained on, so {so}\n"
        f"sha256 of the run's file: {then}, of this one: {found}\n"
        "restore that file, or name the folder that holds it with --data_path=DIR"
    )
