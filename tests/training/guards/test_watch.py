import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from recbole_ext.config.config import Config
from recbole_ext.data.loaders import Loaders
from recbole_ext.errors import ResourceError
from recbole_ext.runs.checkpoint import read_description
from recbole_ext.training.guards import memory
from recbole_ext.training.guards import watch as watch_module
from recbole_ext.training.guards.watch import Watch
from recbole_ext.training.trainer import RunTrainer

Build = Callable[..., tuple[Config, Loaders, RunTrainer]]
CPU = torch.device("cpu")


class Stalling:
    """A loader that sleeps before some batches."""

    def __init__(self, loader: Any, pauses: dict[int, float]) -> None:
        self.loader, self.pauses, self.given = loader, pauses, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[Any]:
        for batch in self.loader:
            time.sleep(self.pauses.get(self.given, 0.0))
            self.given += 1
            yield batch


def test_a_loader_that_stalls_is_diagnosed_and_the_run_stopped(build: Build) -> None:
    _, loaders, trainer = build("BPR", hang_seconds=1.0, epochs=2, train_batch_size=16)
    per_epoch = len(loaders.train)
    started = time.monotonic()
    with pytest.raises(ResourceError, match=r"(?s)hang: no progress .* loading data; .*raise --hang_seconds"):
        trainer.fit(Stalling(loaders.train, {per_epoch + 2: 600.0}), loaders.valid)
    assert time.monotonic() - started < 20
    written = (trainer.session.run.path / "hang.txt").read_text()
    assert "loading data took" in written and "loader processes alive" in written and "the process holds" in written
    assert "test_watch.py" in written and "__iter__" in written, "the stacks name the place"
    assert read_description(trainer.session.run.checkpoints, "last")["epoch"] == 1


def test_a_hang_inside_c_code_is_told_as_a_hang(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="hang: no progress"), Watch(CPU, 60.0).stopping_hangs(tmp_path):
        try:
            signal.raise_signal(signal.SIGUSR1)
        except ResourceError as error:
            raise SystemError("<built-in method step> returned a result with an exception set") from error


class Ticks:
    """A clock, and an event that waits on it: each wait takes the next of some seconds."""

    def __init__(self, *seconds: float) -> None:
        self.seconds, self.now = list(seconds), 0.0

    def wait(self, timeout: float) -> bool:
        if not self.seconds:
            return True
        self.now += self.seconds.pop(0)
        return False


@pytest.mark.parametrize(
    ("seconds", "stops"), [((2.5, 5000.0, 2.5), 0), ((2.5, 5000.0, 2.5, 2.5, 2.5), 1), ((2.5,) * 5, 1)]
)
def test_a_process_that_was_suspended_does_not_hang(
    seconds: tuple[float, ...], stops: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-Z for an hour is no hour without progress; what comes after it counts."""
    ticks, sent = Ticks(*seconds), []
    monkeypatch.setattr("recbole_ext.training.guards.watch.time.monotonic", lambda: ticks.now)
    monkeypatch.setattr("recbole_ext.training.guards.watch.signal.pthread_kill", lambda *given: sent.append(given))
    watch = Watch(torch.device("cpu"), 10.0)
    watch._look(ticks, tmp_path)  # type: ignore[arg-type]
    assert len(sent) == stops and (tmp_path / "hang.txt").is_file() == bool(stops)


def test_evaluating_is_movement(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    _, loaders, trainer = build("SASRec", hang_seconds=1.0, epochs=1, eval_memory_gb=1e-9)
    rank = trainer.model.full_sort_predict
    monkeypatch.setattr(trainer.model, "full_sort_predict", lambda batch: time.sleep(0.1) or rank(batch))
    assert len(loaders.valid) * 0.1 > 1.0
    trainer.fit(loaders.train, loaders.valid)
    assert not (trainer.session.run.path / "hang.txt").exists()


def test_three_slow_batches_in_a_row_are_told_once(caplog: pytest.LogCaptureFixture) -> None:
    watch = Watch(CPU, 0)
    for _ in range(16):
        watch._note(0.001, 0.02)
    for _ in range(2):
        watch._note(0.4, 0.02)
    watch._note(0.001, 0.02)
    assert caplog.text == ""
    for _ in range(5):
        watch._note(0.4, 0.02)
    assert caplog.text.count("slow: the last 3 batches took more than 5 times the usual 0.021 s each") == 1
    assert "loading data took 95% and computing 5%" in caplog.text


def test_a_slow_epoch_is_told(caplog: pytest.LogCaptureFixture) -> None:
    watch = Watch(CPU, 0)
    for epoch, seconds in enumerate([3.0, 3.0, 3.1, 6.0, 6.9]):
        watch.after_epoch(epoch, seconds)
    assert caplog.text.count("slow: epoch") == 1
    assert "slow: epoch 5 took 6.9 s, 2.3 times the usual 3.0 s; it is starting" in caplog.text


def test_short_epochs_and_batches_are_never_slow(caplog: pytest.LogCaptureFixture) -> None:
    watch = Watch(CPU, 0)
    for epoch, seconds in enumerate([0.01, 0.01, 0.9]):
        watch.after_epoch(epoch, seconds)
    for seconds in [0.001] * 16 + [0.04] * 9:
        watch._note(0.0, seconds)
    assert caplog.text == ""


def test_on_mps_the_cache_is_emptied_between_epochs(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    _, loaders, trainer = build(epochs=3)
    emptied: list[str] = []
    monkeypatch.setattr(memory, "free", lambda device: emptied.append(device.type))
    trainer.fit(loaders.train, loaders.valid)
    assert emptied == []
    (hook,) = (hook for hook in trainer.hooks if isinstance(hook, memory.FreedMemory))
    monkeypatch.setattr(hook, "device", torch.device("mps"))
    hook.after_epoch(2, 1.0)
    assert emptied == ["mps"]


@pytest.mark.parametrize(("model", "mode"), [("BPR", {}), ("SASRec", {"train_mode": "prefix"})])
def test_loaders_pin_nothing_and_start_no_workers(model: str, mode: dict[str, Any], build: Build) -> None:
    _, loaders, _ = build(model, **mode)
    for loader in (loaders.train, loaders.valid, loaders.test):
        assert (loader.num_workers, loader.pin_memory, loader.persistent_workers) == (0, False, False)


def test_the_memory_of_a_device_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (1e9, 4e9))
    assert watch_module.memory_lines(torch.device("cuda"))[1] == "3.0 of 4.0 GB of the device are in use"
