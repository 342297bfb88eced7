"""An experiment: one configuration under several seeds, as a folder that outlives every process.

experiments/NAME/experiment.yaml   template and its hash, model, data set, seeds, origins of the settings
experiments/NAME/settings.yaml     the settings, as --config_files takes them
experiments/NAME/runs.jsonl        every start and every end
experiments/NAME/runs/             the directories of the runs
experiments/NAME/report.html
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from dataset_tools.files.schema import damaged
from recbole_ext.config.seeds import read_seeds
from recbole_ext.config.yaml_reader import read_yaml, yaml_text
from recbole_ext.errors import DataError, ResourceError, UsageError, nearest
from recbole_ext.experiments.attempts import RUNNING, Attempt, Journal, now
from recbole_ext.experiments.endings import ending_of
from recbole_ext.experiments.template import Plan
from recbole_ext.files import hold, write_atomically
from recbole_ext.names import checked_name
from recbole_ext.redact import redact
from recbole_ext.runs.run_files import config_text

FACTS, SETTINGS = "experiment.yaml", "settings.yaml"


@dataclass(frozen=True)
class Experiment:
    """The contents of `experiment.yaml`.

    Attributes:
        folder: of the experiment.
        model, dataset: names.
        seeds: that are planned.
        origins: key of a setting -> where its value came from.
        template, template_sha256: what it was made from.
        created: UTC.
        imported: the file that it was read from; its runs were made elsewhere, under a protocol that is not known.
    """

    folder: Path
    model: str
    dataset: str
    seeds: list[int]
    origins: dict[str, str]
    template: str
    template_sha256: str
    created: str
    imported: str = ""

    @property
    def name(self) -> str:
        """Name of its folder."""
        return self.folder.name

    @property
    def runs(self) -> Path:
        """Where its runs are."""
        return self.folder / "runs"

    @property
    def journal(self) -> Journal:
        """Its attempts."""
        return Journal(self.folder / "runs.jsonl")

    def settings(self) -> dict[str, Any]:
        """The settings of every run.

        Raises:
            DataError: their file is damaged.
        """
        path = self.folder / SETTINGS
        try:
            return read_yaml(path)[0] if os.path.lexists(path) else {}
        except UsageError as error:
            reason = str(error).replace(str(path), "").strip(": ")
            raise damaged(path, reason, "restore the file from a copy, or create the experiment again") from None

    def write_settings(self, settings: dict[str, Any]) -> None:
        """Write `settings.yaml`."""
        write_atomically(self.folder / SETTINGS, config_text(settings, self.origins).encode())

    def write(self) -> None:
        """Write `experiment.yaml`."""
        facts = {key: value for key, value in asdict(self).items() if key != "folder"}
        text = yaml_text(redact(facts))
        write_atomically(self.folder / FACTS, text.encode())

    def with_seeds(self, seeds: list[int]) -> "Experiment":
        """The same with these seeds planned too, written down."""
        more = [seed for seed in seeds if seed not in self.seeds]
        if not more:
            return self
        wider = replace(self, seeds=[*self.seeds, *more])
        wider.write()
        return wider

    def finished(self) -> dict[int, Path]:
        """Seed -> the run that has a result, in the order of the plan, whatever failed after it was written."""
        runs = [(attempt.seed, self.runs / attempt.run) for attempt in self.journal.attempts() if attempt.run]
        found = {seed: run for seed, run in runs if (run / "result.json").is_file()}
        return {seed: found[seed] for seed in self.seeds if seed in found}

    def run_of(self, seed: int) -> Path | None:
        """The newest run directory of a seed."""
        found = [path.parent for path in self.runs.glob("*/config.yaml") if _seed(path) == seed]
        return max(found, key=lambda path: _last_sign(path), default=None)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock of this experiment: no other process runs or repairs it.

        Raises:
            ResourceError: another process holds it.
        """
        refusal = f"the experiment {self.name} is being run by another process; wait for its end, or stop it first"
        lock = hold(self.folder, refusal)
        try:
            yield
        finally:
            lock.release()

    def mend(self) -> list[Attempt]:
        """Give every start whose process is gone its end; the caller holds the experiment."""
        lost = [attempt for attempt in self.journal.attempts() if attempt.state == RUNNING]
        for attempt in lost:
            self.journal.end(ending_of(attempt, self.run_of(attempt.seed)))
        return lost

    def mended(self) -> "Experiment":
        """The same, repaired unless another process holds its lock."""
        if not any(attempt.state == RUNNING for attempt in self.journal.attempts()):
            return self
        try:
            with self.held():
                self.mend()
        except ResourceError:
            pass
        return self


def _seed(config: Path) -> int | None:
    """The seed in a run's `config.yaml`, which has a key per line; reading all of it takes a hundred times as long.

    None where the file is damaged.
    """
    found = re.search(r"^seed: (\d+)\b", config.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    return int(found[1]) if found else None


def _last_sign(run: Path) -> int:
    return max(path.lstat().st_mtime_ns for path in (run, *run.iterdir()))


def create(root: Path, name: str, plan: Plan) -> Experiment:
    """Make the folder of an experiment.

    Raises:
        UsageError: the name is none, or is taken.
        ResourceError: the disk refuses.
    """
    folder = root / checked_name("the name of an experiment", name)
    experiment = Experiment(
        folder, plan.model, plan.dataset, plan.seeds, plan.origins, plan.template, plan.template_sha256, now()
    )
    with made_folder(folder):
        experiment.write_settings(plan.settings)
        experiment.write()
    return experiment


@contextmanager
def made_folder(folder: Path) -> Iterator[None]:
    """A new folder for an experiment, with `runs`, to be filled in the block; it is removed if that fails.

    Raises:
        UsageError: there is one, or something else of its name.
        ResourceError: the disk refuses.
    """
    if os.path.lexists(folder):
        kind = "an experiment" if (folder / FACTS).is_file() else "a file or folder"
        raise UsageError(f"there is {kind} {folder.name} in {folder.parent}; choose another name")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
        (folder / "runs").mkdir()
    except OSError as error:
        raise ResourceError(f"cannot make {folder}: {error.strerror}; choose another --experiments-dir") from None
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def experiment_names(root: Path) -> list[str]:
    """All experiments of a folder."""
    return sorted(path.parent.name for path in root.glob(f"*/{FACTS}"))


def read_experiment(root: Path, name: str) -> Experiment:
    """Read an experiment by its name, or by the path of its folder.

    Raises:
        UsageError: there is none.
        DataError: its file is damaged.
    """
    folder = Path(name) if "/" in name else root / name
    if not (folder / FACTS).is_file():
        known = [path.parent.name for path in folder.parent.glob(f"*/{FACTS}")]
        raise UsageError(
            f"there is no experiment {folder.name!r} in {folder.parent}{nearest(folder.name, known)}; "
            "experiment list shows them all"
        )
    try:
        facts = read_yaml(folder / FACTS)[0]
        facts["seeds"] = read_seeds(facts["seeds"] or None)
        return Experiment(folder, **facts)
    except (UsageError, KeyError, TypeError) as error:
        raise DataError(f"cannot read {folder / FACTS}: {error}") from None
