"""Runs that a command line names: by their directory, or by their name in `runs`, where runs lie by default."""

from pathlib import Path

RUNS = Path("runs")


def run_of(text: str) -> Path:
    """The directory of a run; a name that is no directory here is looked up in `runs`."""
    inside = RUNS / text
    return inside if not Path(text).exists() and (inside / "config.yaml").is_file() else Path(text)


def entry_of(text: str) -> str:
    """The same of an entry of a comparison, `RUN,RUN,RUN` or an experiment."""
    return ",".join(str(run_of(name)) for name in text.split(","))
