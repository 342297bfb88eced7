"""The directory of a run that begins, with what opens it again, and what is said of it where the run ends early."""

from pathlib import Path

from recbole_ext.config.config import Config
from recbole_ext.pipeline.splits import Splits
from recbole_ext.runs.data_record import record_of, write_record
from recbole_ext.runs.resume import resume_command, run_values
from recbole_ext.runs.run_directory import RunDirectory
from recbole_ext.runs.stored_data import write_stored
from recbole_ext.runs.vocabulary import vocabulary_of, write_vocabulary
from recbole_ext.training.keeper import Keeper
from recbole_ext.training.session import Session


def new_directory(config: Config, command: list[str], splits: Splits) -> RunDirectory | None:
    """The run's directory, made by the leading process alone, with what it needs to be opened again."""
    if not config.placement.leads:
        return None
    directory = RunDirectory.new(Path(config["runs_dir"]), config.model, config.dataset)
    directory.write_config(run_values(config), config.origins, command)
    directory.write_environment(config["device"])
    write_vocabulary(directory.path, vocabulary_of(splits.loaders.train._dataset))
    sha256 = write_stored(directory.path, splits.stored) if splits.stored else None
    write_record(directory.path, record_of(config, splits.loaders, sha256))
    return directory


def way_on(session: Session, keeper: Keeper | None, command: list[str]) -> str:
    """What is left of a run that ended early, and how to go on."""
    if not session.run:
        return ""
    if not (keeper and keeper.keeps and (session.run.checkpoints / "last.json").exists()):
        return f"this run cannot be continued; what it has is in {session.run.path}"
    saved = "the last whole epoch" if keeper.whole_epochs else "training"
    return f"the state of {saved} is saved; continue with: {resume_command(session.run.path, command)}"
