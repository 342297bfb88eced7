"""The configuration of a continued run: that of the run, on the joined files, from its best weights."""

from pathlib import Path
from typing import Any

from recbole_ext.config.config import Config
from recbole_ext.config.keys.intervals import EVERYTHING
from recbole_ext.config.keys.train_on import TRAIN
from recbole_ext.data.rows.cut import FILTERS
from recbole_ext.errors import UsageError
from recbole_ext.files import write_atomically
from recbole_ext.pipeline.configure import build_config
from recbole_ext.runs.recorded import recorded
from recbole_ext.runs.run_files import config_text
from recbole_ext.serving.continued.known_vectors import FILE as VECTORS
from recbole_ext.serving.continued.new_rows import PARTS, NewRows
from recbole_ext.serving.continued.new_rows import TRAIN as TRAIN_PART
from recbole_ext.serving.load import LoadedRun

EPOCHS = 5
FILE = "continued.yaml"
_OF_SESSION = ("criteria", "seeds", "budget", "budget_hours", "model", "dataset", "config_files", "checkpoint_dir")
_OURS = frozenset(("start_from", "replay", "benchmark_filename", "train_on", "final_of", "stages", "data_path"))
_OURS_TOO = frozenset(("model", "dataset", "load_col", "eval_args", "field_separator", "time_unit", *FILTERS))


def continued_config(run: LoadedRun, new: NewRows, root: Path, replay: float, given: dict[str, Any]) -> Config:
    """The configuration of the continued run.

    Args:
        run: which is continued.
        new: its rows.
        root: from `joined_data`.
        replay: fraction of the old training targets.
        given: keys of the user over those of the run: `epochs`, `learning_rate`, `runs_dir`, ...

    Raises:
        UsageError: a key of the user cannot be changed here, or has a wrong value.
    """
    fixed = sorted(key for key in given if key in _OURS | _OURS_TOO)
    if fixed:
        raise UsageError(f"continue sets {fixed[0]} itself, as the run that it continues needs it; leave it out")
    values = _values(run, new, root, replay)
    text = config_text(values, {}).encode()
    path = root / FILE
    if not path.is_file() or path.read_bytes() != text:
        write_atomically(path, text)
    entry = run.config.entry
    return build_config(entry.reference or entry.name, run.config.dataset, [str(path)], given)


def _values(run: LoadedRun, new: NewRows, root: Path, replay: float) -> dict[str, Any]:
    values = {key: value for key, value in recorded(run.path).items() if key not in _OF_SESSION}
    filters = {key: None for key in FILTERS if values.get(key) not in EVERYTHING}  # they have chosen the rows already
    vectors = _vectors(root, values) if (root / VECTORS).is_file() else {}
    evaluated = {key: value for key, value in (values.get("eval_args") or {}).items() if key != "split"}
    return {
        **values,
        **filters,
        **vectors,
        "data_path": str(root.resolve()),
        "benchmark_filename": list(PARTS),
        "eval_args": evaluated,
        "field_separator": "\t",
        "encoding": "utf-8",
        "time_unit": "seconds",
        "start_from": str(run.path.resolve()),
        "replay": None if replay == 1 else {"share": replay, "before": new.starts[TRAIN_PART]},
        "epochs": EPOCHS,
        "train_on": TRAIN,
        "final_of": None,
        "stages": None,
        "store_data": True,
    }


def _vectors(root: Path, values: dict[str, Any]) -> dict[str, Any]:
    """The keys that name vectors of items, which now are those of the joined file."""
    chosen = values.get("load_col") or {}
    columns = {values.get("item_vectors"), *(values.get("preload_weight") or {}).values()}
    kept = {
        suffix: [name for name in of if name not in columns] if isinstance(of, list) else of
        for suffix, of in chosen.items()
        if suffix in ("inter", "user", "item")
    }
    file_keys = ("preload_weight", "additional_feat_suffix", "alias_of_item_id") if values.get("preload_weight") else ()
    return {
        **dict.fromkeys(file_keys),
        "load_col": kept or None,
        "item_vectors": str((root / VECTORS).resolve()),
    }
