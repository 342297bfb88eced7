"""The directory in which a server keeps what users did: a log of all events, and snapshots that shorten its replay.

    .lock          held by one server
    events-*.log   see `EventLog`
    snapshots/N-WEIGHTS/    the engine's state after event N, by the first digits of the weights' hash

Snapshots of other weights are passed over: a newer run is brought up from the log alone.
"""

import shutil
import time
from collections import Counter
from pathlib import Path

from recbole_ext.errors import DataError, ResourceError, UsageError
from recbole_ext.files import hold
from recbole_ext.serving.live.messages import Engine
from recbole_ext.serving.http.event_log import EventLog

_KEPT = 2
_DAY = 86400


class StateDirectory:
    """Event log and snapshots, held by this process.

    Args:
        path: made where it is missing, for the eyes of its owner alone.

    Attributes:
        log: the events.
        covered: number of the last event that the newest snapshot has.

    Raises:
        ResourceError: another server holds it, or the disk refuses.
        DataError: the log is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path, self._snapshots = path, path / "snapshots"
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._snapshots.mkdir(mode=0o700, exist_ok=True)
            self._lock = hold(path, f"--state-dir={path} is held by a server that is running; give each one its own")
            self.log = EventLog(path)
        except OSError as error:
            raise ResourceError(f"cannot use --state-dir={path}: {error.strerror}") from None
        self.covered = 0

    def load(self, engine: Engine) -> tuple[int, list[str]]:
        """Bring a new engine to the newest event: the newest snapshot of its weights, and what the log has after it.

        Args:
            engine: as a run is opened.

        Returns:
            The number of that event, and a sentence for each thing that an operator should know.

        Raises:
            DataError: events are missing.
        """
        notes = [f"dropped {self.log.dropped} bytes of a batch that was never acknowledged"] if self.log.dropped else []
        self.log.dropped, newest = 0, self.log.last
        position, refused = self._restored(engine)
        notes += refused
        if position is None and self.log.first > 1:
            notes.append(f"the log begins with event {self.log.first}; earlier ones have to be in the data of the run")
        counts = self.replay(engine, position or 0, newest)
        notes.append(
            f"replayed {sum(counts.values()):,} events after "
            + (f"the snapshot of event {position:,}" if position is not None else "the data of the run")
            + "".join(f", {count:,} {kind}" for kind, count in sorted(counts.items()) if kind != "applied")
        )
        return newest, notes

    def _restored(self, engine: Engine) -> tuple[int | None, list[str]]:
        refused = []
        for snapshot in reversed(self._numbered()):
            try:
                extra = engine.restore(snapshot)
            except UsageError as error:
                refused.append(f"snapshot {snapshot.name} is not used: {error}")
                continue
            if extra is not None:
                self.covered = self._within_log(int(extra["events"]))
                return self.covered, refused
        return None, refused

    def _within_log(self, position: int) -> int:
        if not self.log.first - 1 <= position <= self.log.last:
            raise DataError(
                f"{self.path}: the newest snapshot has the events up to {position}, and the log those from "
                f"{self.log.first} to {self.log.last}; files of the log are missing, restore them from a copy"
            )
        return position

    def replay(self, engine: Engine, after: int, until: int | None = None) -> Counter[str]:
        """Apply the events after one number and up to another; returns how many had which outcome."""
        counts: Counter[str] = Counter()
        for _, event in self.log.read(after, until):
            try:
                counts[engine.update(event)] += 1
            except UsageError:
                counts["refused"] += 1
        return counts

    def snapshot(self, engine: Engine, weights: str, keep_days: float | None) -> None:
        """Save an engine that has all events of the log, and begin a new file of the log.

        Args:
            engine: to which no event is applied meanwhile.
            weights: hash of the model's weights, hexadecimal.
            keep_days: see `ServeSettings`.

        Raises:
            RecBoleExtError, OSError: it cannot be written; what there was is still good.
        """
        position = self.log.last
        engine.save(self._snapshots / f"{position:020d}-{weights[:12]}", {"events": position})
        self.covered = position
        self.log.rotate()
        for old in self._numbered()[:-_KEPT]:
            shutil.rmtree(old, ignore_errors=True)
        if keep_days is not None:
            self.log.forget(_number(self._numbered()[0]), time.time() - keep_days * _DAY)

    def _numbered(self) -> list[Path]:
        """Snapshots, oldest first."""
        return sorted(path for path in self._snapshots.iterdir() if path.name.partition("-")[0].isdigit())

    def close(self) -> None:
        """Let another server have the directory."""
        self.log.close()
        self._lock.release()


def _number(snapshot: Path) -> int:
    return int(snapshot.name.partition("-")[0])
