"""Of which run a checkpoint is: the settings and the data, as the directory of the run has them."""

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from recbole_ext.errors import DataError
from recbole_ext.runs.recorded import FREE_KEYS
from recbole_ext.runs.run_kinds import DATA
from recbole_ext.runs.setting_lines import differing, recorded_lines

OF_MACHINE = frozenset(("data_path", "device", "gpu_id", "use_gpu", "worker"))
"""Settings that are edited in `config.yaml` when a run moves to another machine."""


def origin_of(run: Path) -> dict[str, Any]:
    """The settings that matter, a line each, and a hash of the splits; what cannot be read is left out."""
    found: dict[str, Any] = {}
    with suppress(DataError):
        lines = recorded_lines(run)
        found["settings"] = {key: line for key, line in lines.items() if key not in FREE_KEYS | OF_MACHINE}
    with suppress(DataError):
        if tables := DATA.read_json(run / "data.json")["tables"]:
            found["tables"] = hashlib.sha256(json.dumps(tables, sort_keys=True).encode()).hexdigest()
    return found


def require_origin(recorded: Any, checkpoint: Path) -> None:
    """Refuse a checkpoint that was saved by a run with other settings or other data than the directory's.

    Args:
        recorded: what `origin_of` returned when it was saved; None for an earlier version.
        checkpoint: its description, in the folder of checkpoints of a run.

    Raises:
        DataError: it is of another run.
    """
    run = checkpoint.parent.parent
    saved, now = (of if isinstance(of, dict) else {} for of in (recorded, origin_of(run) if recorded else None))
    again = "put the checkpoint of this run back, or train the model again"
    if "settings" in saved and "settings" in now:
        then_lines = {key: line for key, line in saved["settings"].items() if key not in OF_MACHINE}
        for key, then, found in differing(then_lines, now["settings"]):
            raise DataError(
                f"{checkpoint} is of another run: {key} was {then!r} when it was saved, and is {found!r} in "
                f"{run / 'config.yaml'}\n{again}"
            )
    if "tables" in saved and "tables" in now and saved["tables"] != now["tables"]:
        raise DataError(f"{checkpoint} is of another run: its rows were not those of {run / 'data.json'}\n{again}")
