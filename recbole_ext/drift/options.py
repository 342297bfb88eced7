"""Settings of `drift --run`."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ModelDriftOptions:
    """A trained model and its future.

    Attributes:
        run: directory of a finished run.
        future: later interactions, a file or the folder of a data set; or, of a run on a divided data set, where the
            future begins in its own data: `test`, a time, or the fraction of the rows that is past.
        output: folder that is written.
        windows: length of the windows, such as `30d`; None for one window.
        users: least size of the sample of each window's users; 0 for all of them, None for that of the run's test.
        retrain: a run is trained up to every so many windows; 0 for none.
        fine_tune: the same, with training that goes on from the run's best weights.
        fine_tune_epochs: of each.
        cost: what retraining must gain, in units of the metric; None: that of the thresholds.
        thresholds: a yaml that overrides single thresholds.
        data_drift: whether the data are compared too, in the same windows.
        overwrite: whether an earlier result is replaced.
        data_path, device: see `finished_config`.
    """

    run: Path
    future: str
    output: Path
    windows: str | None = None
    users: int | None = None
    retrain: int = 0
    fine_tune: int = 0
    fine_tune_epochs: int = 3
    cost: float | None = None
    thresholds: Path | None = None
    data_drift: bool = True
    overwrite: bool = False
    data_path: str | None = None
    device: str | None = None
