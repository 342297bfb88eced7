"""The data measures of `recbole-data drift` for the same windows, where the run's files are still there."""

import json
from pathlib import Path
from typing import Any

from dataset_tools.drift.drift import drift
from dataset_tools.drift.options import DriftOptions
from recbole_ext.drift.future import TEST, Future, own_files
from recbole_ext.drift.options import ModelDriftOptions
from recbole_ext.errors import DataError
from recbole_ext.serving.load import LoadedRun


def data_report(run: LoadedRun, future: Future, options: ModelDriftOptions, folder: Path) -> dict[str, Any]:
    """Compare the data and leave `drift.json` and `drift.html` in a folder.

    Args:
        run, future: opened.
        options: of the command.
        folder: to be made.

    Returns:
        `data`: the `drift.json`, or None with the reason in `no_data`.

    Raises:
        DataError: a file cannot be compared with the others.
    """
    if not options.data_drift:
        return {"data": None, "no_data": "not asked for"}
    try:
        made = _options(run, future, options, folder)
    except DataError as error:
        return {"data": None, "no_data": str(error)}
    try:
        drift(made)
    except DataError as error:
        raise DataError(f"{error}; --no-data-drift leaves the comparison of the data out") from error
    return {"data": json.loads((folder / "drift.json").read_text(encoding="utf-8"))}


def _options(run: LoadedRun, future: Future, options: ModelDriftOptions, folder: Path) -> DriftOptions:
    """The settings of the command of the data tools.

    Raises:
        DataError: the files of the run's data are gone, or are none that the data tools read.
    """
    config, own = run.config, own_files(run)
    separator, encoding = config["field_separator"], config["encoding"] or "utf-8"
    if separator != "\t" or encoding.lower().replace("-", "") != "utf8":
        raise DataError(
            f"the data tools read columns separated by tabs in UTF-8, and the run's have {separator!r} in {encoding}"
        )
    past = own[0] if len(own) == 1 else own[0].parent
    shared: dict[str, Any] = {
        "past": past,
        "output": folder,
        "windows": options.windows,
        "thresholds": options.thresholds,
        "user_field": config["USER_ID_FIELD"],
        "item_field": config["ITEM_ID_FIELD"],
        "time_field": config["TIME_FIELD"],
        "time_unit": config["time_unit"],
        "seed": int(config["seed"]),
        "overwrite": True,
        "quiet": True,
    }
    if not future.is_own:
        return DriftOptions(**shared, future=Path(options.future))
    if len(own) > 1 and options.future == TEST:
        return DriftOptions(**shared)
    return DriftOptions(**shared, cut=str(future.start))
