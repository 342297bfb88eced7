"""Events, snapshots and newer runs, in this process."""

import asyncio
import errno
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.errors import DataError, ResourceError, UsageError
from recbole_ext.serving.http.live import Live
from recbole_ext.serving.http.refusal import Refusal
from recbole_ext.serving.live.messages import Event
from tests.serving.http.made_server import MadeEngine, made_run, made_settings, open_made


def alive(settings: Any, do: Callable[[Live], Awaitable[Any]]) -> Any:
    """Start, do something, stop in good order."""

    async def whole() -> Any:
        live = Live(settings, open_made)
        await live.start()
        try:
            return await do(live)
        finally:
            await live.stop()

    return asyncio.run(whole())


def state_of(live: Live) -> tuple[Any, Any]:
    engine: Any = live.served.engine
    return engine.users, engine.ids


def events(first: int, count: int) -> list[Event]:
    return [Event(f"u{k % 3}", f"i{k % 50}", k, f"id-{k}") for k in range(first, first + count)]


async def taken(live: Live, first: int, count: int) -> list[str]:
    return (await live.take(events(first, count))).results


async def seen(live: Live) -> tuple[Any, Any]:
    return state_of(live)


@pytest.fixture
def uninterrupted() -> Callable[[int], tuple[Any, Any]]:
    def state(count: int) -> tuple[Any, Any]:
        engine = MadeEngine("w1")
        for event in events(0, count):
            engine.update(event)
        return engine.users, engine.ids

    return state


def test_the_state_is_there_again_after_a_stop_and_after_a_kill(tmp_path: Path, uninterrupted: Any) -> None:
    settings = made_settings(made_run(tmp_path / "run", "w1"), state_dir=tmp_path / "state", snapshot_events=7)
    for first in range(0, 30, 10):
        assert alive(settings, lambda live, at=first: taken(live, at, 10)) == ["applied"] * 10
    assert alive(settings, lambda live: taken(live, 25, 10)) == ["duplicate"] * 5 + ["applied"] * 5
    assert alive(settings, seen) == uninterrupted(35)
    for snapshot in (tmp_path / "state" / "snapshots").iterdir():  # as after a kill before the first one
        (snapshot / "state.json").unlink()
    assert alive(settings, seen) == uninterrupted(35)


def test_requests_share_a_write_and_keep_their_order(tmp_path: Path, uninterrupted: Any) -> None:
    settings = made_settings(made_run(tmp_path / "run", "w1"), state_dir=tmp_path / "state")
    written: list[int] = []

    async def together(live: Live) -> Any:
        append = live.state.log.append  # type: ignore[union-attr]
        live.state.log.append = lambda batch: (written.append(len(batch)), append(batch))  # type: ignore
        await asyncio.gather(*(live.take(events(k, 1)) for k in range(40)))
        return state_of(live)

    assert alive(settings, together) == uninterrupted(40)
    assert sum(written) == 40 and len(written) < 10
    assert alive(settings, seen) == uninterrupted(40)


def test_a_full_disk_takes_nothing_and_the_server_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uninterrupted: Any
) -> None:
    settings = made_settings(made_run(tmp_path / "run", "w1"), state_dir=tmp_path / "state")

    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async def disturbed(live: Live) -> None:
        await live.take(events(0, 5))
        with monkeypatch.context() as patch:
            patch.setattr(os, "pwrite", full)
            with pytest.raises(Refusal, match=r"written \(No space left on device\); nothing was taken") as no:
                await live.take(events(5, 5))
            assert no.value.status == 507
        assert state_of(live) == uninterrupted(5)
        await live.take(events(5, 5))

    alive(settings, disturbed)
    assert alive(settings, seen) == uninterrupted(10)


@pytest.mark.parametrize("error", [ResourceError("no space left"), RuntimeError("no space left")])
def test_a_snapshot_that_cannot_be_saved_costs_nothing(
    error: Exception,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    uninterrupted: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings = made_settings(made_run(tmp_path / "run", "w1"), state_dir=tmp_path / "state", snapshot_events=5)

    def full(*_: Any) -> None:
        raise error

    async def twice(live: Live) -> None:
        await taken(live, 0, 6)
        await asyncio.wait_for(taken(live, 6, 6), 10)

    with monkeypatch.context() as patch:
        patch.setattr(MadeEngine, "save", full)
        alive(settings, twice)
    assert "no snapshot was saved, the log has everything: no space left" in caplog.text
    assert alive(settings, seen) == uninterrupted(12)


def test_one_server_holds_a_state_directory(tmp_path: Path) -> None:
    settings = made_settings(made_run(tmp_path / "run", "w1"), state_dir=tmp_path / "state")

    async def another(_: Live) -> None:
        with pytest.raises(ResourceError, match=r"--state-dir=.* is held by a server that is running"):
            Live(settings, open_made)

    alive(settings, another)
    alive(settings, seen)


@pytest.mark.slow
def test_a_newer_run_has_all_events_and_keeps_those_that_come_meanwhile(tmp_path: Path, uninterrupted: Any) -> None:
    run = tmp_path / "current"
    run.symlink_to(made_run(tmp_path / "old", "w1"))
    settings = made_settings(run, state_dir=tmp_path / "state")

    async def moved(live: Live) -> Any:
        await live.take(events(0, 20))
        run.unlink()
        run.symlink_to(made_run(tmp_path / "new", "w2"))
        later, _ = await asyncio.gather(
            asyncio.gather(*(live.take(events(k, 1)) for k in range(20, 60))), live.reload()
        )
        assert [outcome.results for outcome in later] == [["applied"]] * 40
        assert live.served.name == "new" and state_of(live) == uninterrupted(60)
        await live.take(events(60, 5))
        await live.reload()
        assert live.served.name == "new"

    alive(settings, moved)
    assert alive(settings, seen) == uninterrupted(65)
    run.unlink()
    run.symlink_to(tmp_path / "old")
    assert alive(settings, seen) == uninterrupted(65)  # the old run again, from the log


def test_a_newer_run_is_not_given_what_its_data_have(tmp_path: Path, uninterrupted: Any) -> None:
    run, newer = tmp_path / "current", made_run(tmp_path / "new", "w2", newest=14)
    run.symlink_to(made_run(tmp_path / "old", "w1", newest=3))
    settings = made_settings(run, state_dir=tmp_path / "state")
    alive(settings, lambda live: taken(live, 0, 20))
    assert alive(settings, seen) == uninterrupted(20)  # also events that are older than the run's data
    run.unlink()
    run.symlink_to(newer)

    async def later(live: Live) -> Any:
        users, ids = state_of(live)
        found = {user: list(done) for user, done in users.items()}, set(ids)
        await live.take([Event("late", "i1", 2, "late")])
        return found

    users, ids = alive(settings, later)
    assert ids == {f"id-{k}" for k in range(20)} and sum(map(len, users.values())) == 5
    assert alive(settings, lambda live: taken(live, 10, 6)) == ["duplicate"] * 6  # sent again: they are in the data
    for snapshot in (tmp_path / "state" / "snapshots").iterdir():
        (snapshot / "state.json").unlink()
    users, ids = alive(settings, seen)
    assert ids == {*(f"id-{k}" for k in range(20)), "late"} and sum(map(len, users.values())) == 6


def test_a_run_that_reads_no_values_is_given_the_events_without_them(tmp_path: Path) -> None:
    run = tmp_path / "current"
    run.symlink_to(made_run(tmp_path / "old", "acts"))
    settings = made_settings(run, state_dir=tmp_path / "state")
    sent = [Event("u", "i1", 1, "a", {"act": "buy"}), Event("u", "i2", 2, "b", {"price": 3})]

    async def taken_with_values(live: Live) -> list[str]:
        return (await live.take(sent)).results

    assert alive(settings, taken_with_values) == ["applied", "refused"]
    for snapshot in (tmp_path / "state" / "snapshots").iterdir():
        (snapshot / "state.json").unlink()
    assert alive(settings, seen) == ({"u": [("i1", 1)]}, {"a"})  # what was refused is refused again
    run.unlink()
    run.symlink_to(made_run(tmp_path / "new", "w2"))
    assert alive(settings, seen)[1] == {"a", "b"}


def test_a_newer_run_that_cannot_be_served_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, uninterrupted: Any
) -> None:
    run = tmp_path / "current"
    run.symlink_to(made_run(tmp_path / "old", "w1"))
    settings = made_settings(run, state_dir=tmp_path / "state")

    async def refused(live: Live) -> None:
        await live.take(events(0, 5))
        for target, reason in ((tmp_path / "nothing", "there is no run"), (rater, "HybridVAE follows no users")):
            run.unlink()
            run.symlink_to(target)
            with pytest.raises(UsageError, match=reason):
                await live.reload()
            live.ask_reload()
            await asyncio.sleep(0)  # it begins, and is asked again
            live.ask_reload()
            await asyncio.sleep(0.1)
        assert live.served.name == "old" and state_of(live) == uninterrupted(5)

    rater = made_run(tmp_path / "rater", "w1", "HybridVAE")
    alive(settings, refused)
    assert caplog.text.count("old is served on; the reload failed:") == 4


def test_missing_events_are_reported(tmp_path: Path) -> None:
    settings = made_settings(made_run(tmp_path / "run", "w1"), state_dir=tmp_path / "state", snapshot_events=5)
    alive(settings, lambda live: taken(live, 0, 5))
    alive(settings, lambda live: taken(live, 5, 5))
    for part in (tmp_path / "state").glob("events-*.log"):
        part.unlink()
    with pytest.raises(DataError, match="the newest snapshot has the events up to 10, and the log those from 1 to 0"):
        Live(settings, open_made)


def test_old_parts_of_the_log_are_deleted_when_asked(tmp_path: Path, uninterrupted: Any) -> None:
    settings = made_settings(
        made_run(tmp_path / "run", "w1"), state_dir=tmp_path / "state", snapshot_events=5, keep_days=0
    )
    for first in range(0, 30, 5):
        alive(settings, lambda live, at=first: taken(live, at, 5))
    assert len(list((tmp_path / "state").glob("events-*.log"))) <= 3
    assert len(list((tmp_path / "state" / "snapshots").iterdir())) == 2
    assert alive(settings, seen) == uninterrupted(30)


def test_the_directory_is_for_its_owner_alone(tmp_path: Path) -> None:
    alive(made_settings(made_run(tmp_path / "run", "w1"), state_dir=tmp_path / "a" / "state"), seen)
    assert (tmp_path / "a" / "state").stat().st_mode & 0o077 == 0
    (part,) = (tmp_path / "a" / "state").glob("events-*.log")
    assert part.stat().st_mode & 0o077 == 0
