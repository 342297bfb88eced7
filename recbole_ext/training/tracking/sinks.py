"""Where the facts of a run go besides `metrics.csv`: events as JSON lines, TensorBoard, Weights & Biases, a message.

A sink that fails is warned about once, and a message that is not sent each time; the run continues.
"""

import glob
import json
import logging
import math
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from recbole_ext.config.config import Config
from recbole_ext.config.key_settings import KeySettings
from recbole_ext.errors import ResourceError
from recbole_ext.machine_paths import without_machine_paths
from recbole_ext.redact import redact, redact_text
from recbole_ext.runs.run_directory import RunDirectory
from recbole_ext.training.tracking.notify import Notifier, notifier
from recbole_ext.training.tracking.resources import OF_MACHINE
from recbole_ext.training.tracking.writer_threads import quiet_writer_threads

_LOG = logging.getLogger(__name__)


class Sink(Protocol):
    """Something that events are written to."""

    name: str

    def event(self, kind: str, facts: dict[str, Any]) -> None:
        """Write one event."""

    def close(self) -> None:
        """Write what is still held back."""


class Tracking:
    """Hands each event to every sink.

    Args:
        sinks: may fail.
    """

    def __init__(self, sinks: list[Sink]) -> None:
        self.sinks = sinks
        self.warned: set[str] = set()

    def event(self, kind: str, without: str = "", **facts: Any) -> None:
        """Tell all sinks, without secrets.

        Args:
            kind: of the event.
            without: name of a sink that does not get it, because the event is its own failure.
            facts: of the event.
        """
        facts = without_machine_paths(redact(facts))
        for sink in self.sinks:
            if sink.name != without:
                self._try(sink, lambda sink=sink: sink.event(kind, facts), kind)

    def close(self) -> None:
        """Close all sinks."""
        for sink in self.sinks:
            self._try(sink, sink.close)

    def _try(self, sink: Sink, call: Any, kind: str = "") -> None:
        try:
            call()
        except Exception as error:
            self._report(sink, kind, redact_text(str(error)))

    def _report(self, sink: Sink, kind: str, reason: str) -> None:
        """A failure, on the console and in `log.txt`; a sink that cannot write fails at every event."""
        of_sink = {"sink": sink.name}
        if sink.name not in self.warned:
            self.warned.add(sink.name)
            _LOG.warning("%s does not work, the run goes on without it: %s", sink.name, reason, extra=of_sink)
        elif isinstance(sink, Notifier):
            _LOG.warning("%s: the message '%s' was not sent: %s", sink.name, kind, reason, extra=of_sink)


class EventFile:
    """`events.jsonl`: one JSON object per line, with its time in UTC."""

    name = "events.jsonl"

    def __init__(self, folder: Path) -> None:
        self.path = folder / "events.jsonl"

    def event(self, kind: str, facts: dict[str, Any]) -> None:
        """Append one line and let it reach the disk's cache at once."""
        moment = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        line = json.dumps({"time": moment, "event": kind, **_json(facts)}, allow_nan=False)
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(line + "\n")

    def close(self) -> None:
        """Each line is written at once."""


class Curves:
    """TensorBoard: loss, learning rate, seconds and metrics over the epochs, in `<run>/tensorboard`."""

    name = "TensorBoard"

    def __init__(self, folder: Path, metrics: list[str]) -> None:
        self.folder, self.metrics = folder / "tensorboard", metrics
        self.writer: Any = None

    def event(self, kind: str, facts: dict[str, Any]) -> None:
        """Add the points of an epoch; a run that is continued replaces what came after its state."""
        if kind != "epoch":
            return
        if self.writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self.writer = SummaryWriter(str(self.folder), purge_step=facts["epoch"])
        for name, value in facts.items():
            if name != "epoch" and isinstance(value, int | float):
                self.writer.add_scalar(curve(name, self.metrics), value, facts["epoch"])
        self.writer.flush()

    def close(self) -> None:
        """Write what is held back, and name the files by second and number: in their order, and not by the machine."""
        if self.writer is None:
            return
        self.writer.close()
        host = socket.gethostname()
        ours = self.folder.glob(f"events.out.tfevents.*.{glob.escape(host)}.*")
        number = len(list(self.folder.glob("events.out.tfevents.*.run.*")))
        for place, path in enumerate(sorted(ours, key=lambda path: path.stat().st_mtime_ns), number):
            path.rename(path.with_name(f"{path.name.split(f'.{host}.')[0]}.run.{place:06d}"))


class WandbRun:
    """Weights & Biases; WANDB_MODE=offline keeps everything in the run's directory."""

    name = "Weights & Biases"

    def __init__(self, folder: Path, project: str, metrics: list[str], values: Mapping[str, Any]) -> None:
        import wandb

        settings = wandb.Settings(disable_git=True, console="off", save_code=False, x_disable_meta=True)
        self.metrics = metrics
        self.run = wandb.init(
            project=project,
            name=folder.name,
            id=folder.name[-128:],
            resume="allow",
            dir=str(folder),
            config=_json(redact(values)),
            settings=settings,
        )

    def event(self, kind: str, facts: dict[str, Any]) -> None:
        """Log an epoch, or the result."""
        if kind == "epoch":
            self.run.log({curve(n, self.metrics): v for n, v in facts.items() if n != "epoch"}, step=facts["epoch"])
        elif kind == "finished":
            self.run.summary.update({f"test/{name}": value for name, value in (facts.get("test") or {}).items()})

    def close(self) -> None:
        """End the run there."""
        self.run.finish()


def curve(name: str, metrics: list[str]) -> str:
    """The curve of a column: `valid/ndcg@10`, `train/loss`, `train/learning_rate`, `system/memory_mb`."""
    if name.partition("@")[0].lower() in [metric.lower() for metric in metrics]:
        return f"valid/{name}"
    if name.startswith(OF_MACHINE):
        return f"system/{name}"
    part, _, rest = name.partition("_")
    return f"{part}/{rest}" if rest and part in ("train", "valid") else f"train/{name}"


@dataclass(frozen=True)
class TrackingSettings(KeySettings):
    """The fields are keys of overall.yaml."""

    metrics: list[str]
    log_tensorboard: bool | str
    log_wandb: bool
    wandb_project: str
    notify: str | None
    notify_file: str | None
    notify_hosts: list[str] | None

    def require_sinks(self) -> None:
        """Refuse before a run starts what could only fail later.

        Raises:
            UsageError: the address of `notify` is missing or not allowed.
            ResourceError: a library that was asked for is not installed.
        """
        self._notifier("")
        wanted = {"wandb": self.log_wandb, "tensorboard": self.log_tensorboard is True}
        for library, asked in wanted.items():
            if asked and find_spec(library) is None:
                raise ResourceError(f"log_{library} needs {library}, which is not installed: pip install {library}")

    def sinks(self, folder: Path, subject: str, values: Mapping[str, Any]) -> list[Sink]:
        """The sinks that are asked for; one that cannot start is warned about.

        Args:
            folder: of the run.
            subject: what a notification is about.
            values: all of the configuration, which Weights & Biases shows beside the run.
        """
        metrics = [str(name) for name in self.metrics]
        sinks: list[Sink] = [EventFile(folder)]
        if self.log_tensorboard in ("auto", True) and find_spec("tensorboard"):
            sinks.append(Curves(folder, metrics))
        if self.log_wandb:
            try:
                sinks.append(WandbRun(folder, self.wandb_project, metrics, values))
            except Exception as error:
                _LOG.warning("%s does not work, the run goes on without it: %s", WandbRun.name, redact_text(str(error)))
        notification = self._notifier(f"{subject} ({folder.name})")
        return [*sinks, notification] if notification else sinks

    def _notifier(self, subject: str) -> Sink | None:
        return notifier(self.notify, self.notify_file, self.notify_hosts, subject)


@contextmanager
def tracked(config: Config, directory: RunDirectory | None, trainer: Any) -> Iterator[None]:
    """Tell the sinks of a run's start, epochs, warnings and end, whatever the end is."""
    if directory is None:
        yield
        return
    continued = (directory.path / EventFile.name).exists()
    subject = f"{config.model} on {config.dataset}"
    settings = TrackingSettings.read(config)
    tracking = Tracking(settings.sinks(directory.path, subject, config.final_config_dict))
    handler = _Warnings(tracking)
    logging.getLogger("recbole_ext").addHandler(handler)
    directory.listeners.append(lambda kind, facts: _tell(tracking, trainer, kind, facts))
    tracking.event("continued" if continued else "started", run=directory.path.name)
    try:
        with quiet_writer_threads():
            yield
    except BaseException as error:
        asked = isinstance(error, KeyboardInterrupt | SystemExit)  # SystemExit: a scheduler has stopped the trial
        by_signal = asked or getattr(error, "exit_code", 0) > 128
        tracking.event("interrupted" if by_signal else "failed", text=str(error), type=type(error).__name__)
        raise
    finally:
        logging.getLogger("recbole_ext").removeHandler(handler)
        directory.listeners.clear()
        tracking.close()


def _tell(tracking: Tracking, trainer: Any, kind: str, facts: dict[str, Any]) -> None:
    """An epoch's row with its learning rate, and whether it is the best; or the result."""
    groups = getattr(trainer.optimizer, "param_groups", None)
    state = trainer.state
    if kind == "epoch" and groups:
        facts = {"learning_rate": groups[0]["lr"], **facts}
    tracking.event(kind, **facts)
    if kind == "epoch" and state.best_epoch == facts["epoch"] - 1:
        tracking.event("best", epoch=facts["epoch"], score=state.best_valid_score)


class _Warnings(logging.Handler):
    """Makes an event of each warning of this package."""

    def __init__(self, tracking: Tracking) -> None:
        super().__init__(logging.WARNING)
        self.tracking = tracking

    def emit(self, record: logging.LogRecord) -> None:
        rule = {"rule": record.rule} if hasattr(record, "rule") else {}
        self.tracking.event("warning", getattr(record, "sink", ""), text=record.getMessage(), **rule)


def _json(value: Any) -> Any:
    """A value as strict JSON: numbers that are not finite, and everything else, as text."""
    if isinstance(value, dict):
        return {str(k): _json(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set):
        return [_json(v) for v in value]
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, str | int | float) or value is None else str(value)


__all__ = ["Curves", "EventFile", "Tracking", "TrackingSettings", "WandbRun", "tracked"]
