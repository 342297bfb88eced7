"""Slow-downs and hangs: every batch is timed, and what takes too long is diagnosed.

An epoch of more than twice the usual time, or three batches in a row of more than five times theirs, is a warning
with a diagnosis. When nothing has moved for `hang_seconds`, a thread writes `hang.txt` (the diagnosis, and what
every thread is doing) and stops the run in order; the state on disk is untouched.
"""

import faulthandler
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import psutil
import torch

from recbole_ext.errors import ResourceError, unwrapping
from recbole_ext.training.hook import Hook

_LOG = logging.getLogger(__name__)
SLOW_EPOCH, SLOW_BATCH, IN_A_ROW = 2.0, 5.0, 3
_SHORTEST_EPOCH, _SHORTEST_BATCH = 1.0, 0.05
_GRACE_SECONDS = 30.0
_END = object()


class Watch(Hook):
    """Times the batches of one run.

    Args:
        device: whose memory is reported.
        hang_seconds: after so long without a batch the run is stopped; 0 for never.

    Attributes:
        batches: seconds (loading, computing) of the last batches.
        doing: what the run is doing.
    """

    def __init__(self, device: torch.device, hang_seconds: float) -> None:
        self.device, self.hang_seconds = device, hang_seconds
        self.batches: deque[tuple[float, float]] = deque(maxlen=128)
        self.epochs: list[float] = []
        self.usual, self.slow_in_a_row, self.warned = float("inf"), 0, False
        self.doing, self.moved_at = "starting", time.monotonic()

    def moved(self, doing: str) -> None:
        """Record progress, and the next step."""
        self.doing, self.moved_at = doing, time.monotonic()

    def timed(self, batches: Iterator[Any]) -> Iterator[Any]:
        """The batches, each timed: until it is there, and until the next one is requested."""
        while True:
            self.moved("loading data")
            started = time.perf_counter()
            batch = next(batches, _END)
            if batch is _END:
                self.moved("ending the epoch")
                return
            self.moved("computing")
            loaded = time.perf_counter()
            yield batch
            self._note(loaded - started, time.perf_counter() - loaded)

    def _note(self, loading: float, computing: float) -> None:
        seconds = loading + computing
        self.slow_in_a_row = self.slow_in_a_row + 1 if seconds > max(SLOW_BATCH * self.usual, _SHORTEST_BATCH) else 0
        self.batches.append((loading, computing))
        if len(self.batches) % 8 == 0:
            self.usual = median(sum(batch) for batch in self.batches)
        if self.slow_in_a_row >= IN_A_ROW and not self.warned:
            self.warned = True  # once per epoch
            _LOG.warning(
                "slow: the last %d batches took more than %g times the usual %.3g s each; %s",
                IN_A_ROW, SLOW_BATCH, self.usual, self.diagnosis(IN_A_ROW),
            )  # fmt: skip

    def after_epoch(self, epoch: int, seconds: float) -> None:
        """Compare an epoch with those before it."""
        self.warned = False
        usual = median(self.epochs) if self.epochs else float("inf")
        self.epochs.append(seconds)
        if seconds > max(SLOW_EPOCH * usual, _SHORTEST_EPOCH):
            _LOG.warning(
                "slow: epoch %d took %.1f s, %.1f times the usual %.1f s; %s",
                epoch + 1, seconds, seconds / usual, usual, self.diagnosis(),
            )  # fmt: skip

    def diagnosis(self, last: int = 128) -> str:
        """Where the time goes, the workers, and the memory."""
        timed = list(self.batches)[-last:]
        loading, computing = (sum(part) for part in zip(*timed, strict=True)) if timed else (0.0, 0.0)
        share = loading / (loading + computing) if timed else 0.0
        workers = multiprocessing.active_children()
        return "; ".join(
            [
                f"it is {self.doing}; of the time, loading data took {share:.0%} and computing {1 - share:.0%}",
                f"{sum(worker.is_alive() for worker in workers)} of {len(workers)} loader processes alive",
                *memory_lines(self.device),
            ]
        )

    @contextmanager
    def stopping_hangs(self, folder: Path | None) -> Iterator[None]:
        """Watch for a hang within a block; only the main thread can be stopped in order.

        Raises:
            ResourceError: nothing moved for `hang_seconds`.
        """
        if not self.hang_seconds or folder is None or threading.current_thread() is not threading.main_thread():
            yield
            return
        self.moved("starting")
        over = threading.Event()
        before = signal.signal(signal.SIGUSR1, self._stop)
        thread = threading.Thread(target=self._look, args=(over, folder), name="watch", daemon=True)
        thread.start()
        try:
            with unwrapping():
                yield
        finally:
            over.set()
            signal.signal(signal.SIGUSR1, before)

    def _look(self, over: threading.Event, folder: Path) -> None:
        main = threading.main_thread().ident
        assert main is not None
        tick, looked = min(5.0, self.hang_seconds / 4), time.monotonic()
        while not over.wait(tick):
            now = time.monotonic()
            self.moved_at += max(0.0, now - looked - tick)  # this thread stood still too: the process was suspended
            looked = now
            if now - self.moved_at > self.hang_seconds:
                self._write(folder / "hang.txt")
                signal.pthread_kill(main, signal.SIGUSR1)
                if not over.wait(_GRACE_SECONDS):
                    os._exit(ResourceError.exit_code)  # stuck in a call that never checks signals
                return

    def _write(self, path: Path) -> None:
        try:
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"nothing moved for {self.hang_seconds:g} s; {self.diagnosis()}\n\n")
                file.flush()
                faulthandler.dump_traceback(file, all_threads=True)
        except OSError as error:
            _LOG.warning("cannot write %s: %s", path, error.strerror)

    def _stop(self, number: int, frame: Any) -> None:
        raise ResourceError(
            f"hang: no progress for {self.hang_seconds:g} s while {self.doing}; {self.diagnosis()}\n"
            "hang.txt in the run's directory has the stack of every thread; raise --hang_seconds if a batch may "
            "take that long"
        )


def memory_lines(device: torch.device) -> list[str]:
    """Memory of the process and of its device, as text."""
    lines = [f"the process holds {psutil.Process().memory_info().rss / 1e9:.1f} GB"]
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        lines.append(f"{(total - free) / 1e9:.1f} of {total / 1e9:.1f} GB of the device are in use")
    elif device.type == "mps":
        lines.append(f"the device holds {torch.mps.driver_allocated_memory() / 1e9:.1f} GB")
    return lines
