"""What a server does: it answers from one run at a time, takes events, saves snapshots, and moves to a newer run."""

import asyncio
import gc
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from recbole_ext.errors import RecBoleExtError, UsageError
from recbole_ext.serving.http.committer import LOG, Committer, Outcome
from recbole_ext.serving.http.recommendation_log import RecommendationLog
from recbole_ext.serving.http.refusal import Refusal
from recbole_ext.serving.http.served import Served, open_served
from recbole_ext.serving.http.settings import ServeSettings
from recbole_ext.serving.http.state_directory import StateDirectory
from recbole_ext.serving.live.messages import Answer, Event, Query

Result = TypeVar("Result")


class Live:
    """A run that is served.

    Args:
        settings: of the server.
        open_run: opens the run that the settings name.

    Attributes:
        served: what answers now; a request keeps the one that it began with.
        is_stopping: whether the server ends.
        shown: the log of recommendations; None where none is asked for.

    Raises:
        RecBoleExtError: the run cannot be served, or the state directory cannot be used.
    """

    def __init__(self, settings: ServeSettings, open_run: Callable[[ServeSettings], Served] = open_served) -> None:
        self.settings, self.is_stopping, self._open_run = settings, False, open_run
        self.state = StateDirectory(settings.state_dir) if settings.state_dir is not None else None
        self.shown: RecommendationLog | None = None
        if self.state is not None and settings.log_recommendations:
            self.shown = RecommendationLog(self.state.path, settings.keep_days)
        self.served = self._open()
        self._bring_up(self.served)
        if self.state is not None:
            self.state.serve(self.served.weights)
        self.committer = Committer(self.state.log if self.state else None, self._apply, self._after_batch)
        self._turn = asyncio.Lock()
        self._reloading: asyncio.Task[None] | None = None
        self._reload_again = False
        self._due = settings.snapshot_events

    def _open(self) -> Served:
        served = self._open_run(self.settings)
        if self.state is not None and served.engine is None:
            raise UsageError(
                f"--state-dir={self.settings.state_dir}: {served.run.config.model} follows no users; leave it out"
            )
        return served

    def _bring_up(self, served: Served) -> int:
        """Bring a run to the newest event; returns its number."""
        if not served.run.result:
            LOG.warning("%s has not finished; its best weights so far are served", served.name)
        if self.state is None or served.follower is None:
            return 0
        newest, notes = self.state.load(served.follower)
        for note in notes:
            LOG.warning("%s: %s", self.state.path, note)
        return newest

    def _newer(self) -> tuple[Served, int] | None:
        """The run that `--run` names now, with the number of the newest event it has; None where it is served."""
        served = self._open()
        if (served.name, served.weights) == (self.served.name, self.served.weights):
            return None
        return served, self._bring_up(served)

    async def start(self) -> None:
        """Begin to take events."""
        self.committer.start()
        LOG.info("%s is ready", self.served.name)

    async def stop(self) -> None:
        """Take what was sent, save a snapshot, and let the state directory go."""
        self.is_stopping = True
        if self._reloading is not None:
            self._reloading.cancel()
        await self.committer.stop()
        if self.shown is not None:
            self.shown.close()
        if self.state is not None:
            if self.state.log.last > self.state.covered:
                await self._snapshot()
            self.state.close()

    async def call(self, what: Callable[..., Result], *given: Any) -> Result:
        """Call what computes, here and not in a thread: two threads that take turns in Python cost ten times as much.

        Between two calls the server reads what has arrived, so that it refuses requests beyond its limit, answers
        `/healthz`, and gives up requests whose time is over.
        """
        async with self._turn:
            await asyncio.sleep(0)
            return what(*given)

    async def recommend(self, served: Served, query: Query) -> Answer:
        """The best items, logged where that is asked for."""
        answer = await self.call(served.recommend, query)
        if self.shown is not None:
            self.shown.shown(query.user, answer.items, served.name)
        return answer

    async def take(self, events: Sequence[Event]) -> Outcome:
        """Take events; when this returns, they are on the disk (where there is a state directory) and applied.

        Raises:
            Refusal: this server or this model takes none, or the disk is full.
        """
        self.served.require("recommend")
        if self.settings.workers > 1:
            raise Refusal(
                409,
                f"this server has {self.settings.workers} processes with a memory each, and takes no events; serve "
                "with --workers=1, or send the history with the request",
            )
        return await self.committer.submit(events)

    async def _apply(self, events: Sequence[Event]) -> Outcome:
        outcome = await self.call(self.served.update, events)
        if self.shown is not None:
            self.shown.done(events, outcome.results)
        return outcome

    async def _after_batch(self) -> None:
        if self.state is not None and self.state.log.last - self.state.covered >= self._due:
            await self._snapshot()

    async def _snapshot(self) -> None:
        """Save the state; a disk that refuses leaves the log to be replayed, and is asked again later."""
        assert self.state is not None and self.served.follower is not None
        try:
            await asyncio.to_thread(self.state.snapshot, self.served.follower, self.settings.keep_days)
            self._due = self.settings.snapshot_events
        except Exception as error:  # of any kind: events are taken all the same
            self._due = self.state.log.last - self.state.covered + self.settings.snapshot_events
            logged = LOG.error if isinstance(error, RecBoleExtError | OSError) else LOG.exception
            logged("no snapshot was saved, the log has everything: %s", error)

    def ask_reload(self) -> None:
        """Move to the run that `--run` names now, in the background; asked again meanwhile, once more afterwards."""
        if self._reloading is not None and not self._reloading.done():
            self._reload_again = True
            return
        self._reloading = asyncio.get_running_loop().create_task(self._reload())

    async def _reload(self) -> None:
        while True:
            self._reload_again = False
            try:
                await self.reload()
            except Exception as error:
                logged = LOG.error if isinstance(error, RecBoleExtError) else LOG.exception
                logged("%s is served on; the reload failed: %s", self.served.name, error)
            if not self._reload_again:
                return

    async def reload(self) -> None:
        """Open the run that `--run` names now, bring it to the newest event, and answer from it.

        Raises:
            RecBoleExtError: it cannot be served; the old one is.
        """
        old = self.served
        found = await asyncio.to_thread(self._newer)
        if found is None:
            LOG.warning("%s is served already", old.name)
            return
        fresh, newest = found
        async with self.committer.pause:
            if self.state is not None and fresh.follower is not None:
                await asyncio.to_thread(self.state.replay, fresh.follower, newest)
                await asyncio.to_thread(self.state.serve, fresh.weights)
            self.served = fresh
            if self.state is not None:
                await self._snapshot()
        keep_loaded()
        LOG.warning("%s is served instead of %s", fresh.name, old.name)


def keep_loaded() -> None:
    """Free what is no longer needed, and let the garbage collector pass over what is loaded now.

    A full collection walks through every object of torch and of the run, which stops all answers for a tenth of a
    second or more, every few thousand requests.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
