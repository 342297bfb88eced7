"""The run trained again up to a window, or trained further: runs of their own, so that an interruption loses none.

`retrained`: the run's settings, from new weights, on everything before the window.
`fine_tuned`: training goes on from the run's best weights for a few epochs, on the same rows, without those of users
and items that the run does not know: its ids are fixed, and a new item gets no embedding.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from recbole_ext.config.keys.train_on import ALL, TRAIN_VALID
from recbole_ext.data.rows.cut import parts_of
from recbole_ext.drift.output import FINE_TUNED, RETRAINED
from recbole_ext.drift.past_files import write_data
from recbole_ext.drift.windowed import Windowed
from recbole_ext.errors import InterruptedRun
from recbole_ext.pipeline.configure import build_config
from recbole_ext.pipeline.train import run as train
from recbole_ext.report.report import leave_report
from recbole_ext.runs.recorded import recorded
from recbole_ext.runs.stored_data import FILE as STORED
from recbole_ext.serving.later.evaluate import LaterEvaluation
from recbole_ext.serving.load import LoadedRun, finished_config, load_run


@dataclass(frozen=True)
class Again:
    """How the run is trained again.

    Attributes:
        kind: `retrained` or `fine_tuned`.
        every: windows between two trainings.
        epochs: of fine-tuning; None: those of the run.
        folder: where the runs are kept.
        command: what was typed.
    """

    kind: str
    every: int
    epochs: int | None
    folder: Path
    command: list[str]


def retrained_tables(windowed: Windowed, again: Again) -> list[pd.DataFrame]:
    """Each window's table by the newest model that was trained before it.

    Raises:
        RecBoleExtError: a training fails; those before it are kept.
    """
    n = len(windowed.windows.future)
    tables: list[pd.DataFrame] = []
    for first in range(0, n, again.every):
        numbers = range(first, min(first + again.every, n))
        path = _trained(windowed, again, numbers)
        tables += _evaluated(path, windowed, numbers)
    return tables


def _trained(windowed: Windowed, again: Again, numbers: Sequence[int]) -> Path:
    """The run directory of a model that was trained before some windows; one that is there is read back."""
    run, place = windowed.later.run, again.folder / again.kind / f"window-{numbers[0] + 1:03d}"
    done = sorted(place.glob("runs/*/result.json"))
    if done:
        return done[0].parent
    start, end = windowed.bounds(numbers[0])[0], windowed.bounds(numbers[-1])[1]
    place.mkdir(parents=True, exist_ok=True)
    write_data(run, windowed.future, start, end, place / "data", known_only=again.kind == FINE_TUNED)
    values = recorded(run.path)
    config = build_config(
        str(values["model"]), run.config.dataset, [str(run.path / "config.yaml")], _settings(run, again, place)
    )
    try:
        result = train(config, again.command, resume="newest", at_end=leave_report, test=False)
    except InterruptedRun as error:
        error.args = (
            f"interrupted while {place.relative_to(again.folder)} was trained; its state and the runs before it are "
            "kept: repeat the same command to go on",
        )
        raise
    return Path(result["run_directory"])


def _settings(run: LoadedRun, again: Again, place: Path) -> dict[str, object]:
    """What differs from the run's configuration."""
    settings: dict[str, object] = {
        "data_path": str((place / "data").resolve()),
        "runs_dir": str(place / "runs"),
        "device": str(run.config["device"]),
        "final_of": None,  # whose data these are not
        "start_from": None,
        "replay": None,
    }
    if run.config["train_on"] == ALL and parts_of(run.config):
        settings["train_on"] = TRAIN_VALID  # the test file has the windows themselves
    if again.kind == RETRAINED:
        return settings
    return settings | {"start_from": str(run.path.resolve()), "epochs": again.epochs, "stages": None}


def _evaluated(path: Path, windowed: Windowed, numbers: Sequence[int]) -> list[pd.DataFrame]:
    """The tables of some windows by a run that was trained before them."""
    config = finished_config(path)
    run = load_run(path, config, raw=not (path / STORED).is_file())
    inside = (windowed.place >= numbers[0]) & (windowed.place <= numbers[-1])
    given = windowed.later.later.table[inside]
    later = LaterEvaluation(run, given, None, test_rows=True).only(windowed.later.chosen.targets[inside])
    table = later.table_by(run.model)
    places = windowed.place[inside]
    return [table[places == number] for number in numbers]
