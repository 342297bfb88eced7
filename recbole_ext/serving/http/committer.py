"""Group commit: events that come while the disk is busy share the next write, and are applied once they are on it."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from recbole_ext.serving.http.event_log import EventLog
from recbole_ext.serving.http.refusal import BUSY, Refusal
from recbole_ext.serving.live.messages import Event

LOG = logging.getLogger("recbole_ext.serve")
_AT_ONCE = 2000
"""Events of a batch, unless a single request has more."""


@dataclass(frozen=True)
class Outcome:
    """What became of the events of a request.

    Attributes:
        results: of each, see `Engine.update`; `refused` where it cannot be used.
        errors: place of a refused event -> why.
    """

    results: list[str]
    errors: dict[int, str]


class Committer:
    """Writes and applies events, in one order.

    Args:
        log: of the events; None: they are applied alone.
        apply: applies the events of a request.
        after_batch: called after each batch, while no event is written or applied.

    Attributes:
        pause: held while a batch is written and applied; its holder sees an engine with all events of the log.
    """

    def __init__(
        self,
        log: EventLog | None,
        apply: Callable[[Sequence[Event]], Awaitable[Outcome]],
        after_batch: Callable[[], Awaitable[None]],
    ) -> None:
        self._log, self._apply, self._after_batch = log, apply, after_batch
        self._waiting: list[tuple[Sequence[Event], asyncio.Future[Outcome]]] = []
        self._wake, self.pause = asyncio.Event(), asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to commit, in the running loop."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def submit(self, events: Sequence[Event]) -> Outcome:
        """Write and apply events; when this returns, they are on the disk.

        Raises:
            Refusal: the disk refuses them; none of them is applied.
        """
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((events, future))
        self._wake.set()
        return await future

    async def stop(self) -> None:
        """Commit what waits, and end."""
        while self._waiting or self.pause.locked():
            await asyncio.sleep(0.01)
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            async with self.pause:
                await self._commit(self._next())
                await self._after_batch()
            if not self._waiting:
                self._wake.clear()

    def _next(self) -> list[tuple[Sequence[Event], "asyncio.Future[Outcome]"]]:
        count, total = 0, 0
        while count < len(self._waiting) and (not count or total + len(self._waiting[count][0]) <= _AT_ONCE):
            total += len(self._waiting[count][0])
            count += 1
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        return batch

    async def _commit(self, batch: list[tuple[Sequence[Event], "asyncio.Future[Outcome]"]]) -> None:
        try:
            await self._write([event for events, _ in batch for event in events])
        except OSError as error:
            LOG.error("events were refused: the log cannot be written (%s)", error.strerror)
            refusal = Refusal(507, f"the event log cannot be written ({error.strerror}); nothing was taken", BUSY)
            for _, future in batch:
                _settle(future, refusal)
            return
        for events, future in batch:
            try:
                _settle(future, await self._apply(events))
            except Exception as error:  # a bug; the others are applied all the same
                LOG.exception("an event could not be applied")
                _settle(future, error)

    async def _write(self, events: list[Event]) -> None:
        if self._log is not None and events:
            await asyncio.to_thread(self._log.append, events)


def _settle(future: "asyncio.Future[Outcome]", result: Outcome | Exception) -> None:
    if future.done():  # the client has gone
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
