"""Another seed of the same model: how far two runs differ where nothing but chance does."""

from pathlib import Path

from recbole_ext.experiments.attempts import FINISHED
from recbole_ext.experiments.experiment import FACTS, read_experiment


def find_sibling(run: Path, besides: Path) -> Path | None:
    """A finished run of the same experiment with another seed; None where the run is in no experiment, or alone.

    Args:
        run: directory of the run.
        besides: directory of the run that it is compared with, which is not the seed that is looked for.
    """
    folder = run.resolve().parent.parent
    if not (folder / FACTS).is_file():
        return None
    experiment = read_experiment(folder.parent, folder.name)
    finished = [one for one in experiment.journal.attempts() if one.state == FINISHED and one.run]
    own = next((one.seed for one in finished if one.run == run.resolve().name), None)
    others = [one for one in finished if one.seed != own and one.run != besides.resolve().name]
    kept = [experiment.runs / one.run for one in others if (experiment.runs / one.run / "result.json").is_file()]
    return kept[0] if own is not None and kept else None
