"""Runs that a command line names: by their directory, or by their name in `runs`, where runs lie by default."""

from pathlib import Path

from recbole_ext.names import named_folder

RUNS = Path("runs")


def run_of(text: str) -> Path:
    """The directory of a run; a name that is no directory here is looked up in `runs`."""
    return named_folder(text, RUNS, "config.yaml")


def entry_of(text: str) -> str:
    """The same of an entry of a comparison, `RUN,RUN,RUN` or an experiment."""
    return ",".join(str(run_of(name)) for name in text.split(","))
