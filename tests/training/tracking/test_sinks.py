import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.summary.writer import event_file_writer

from recbole_ext.errors import InterruptedRun, NonFiniteError, ResourceError
from recbole_ext.pipeline.train import run
from recbole_ext.training.keeper import Keeper
from recbole_ext.training.tracking import sinks as tracking
from recbole_ext.training.tracking.sinks import Curves, EventFile, Tracking, TrackingSettings, curve
from recbole_ext.training.trainer import RunTrainer

Build = Callable[..., tuple[Any, Any, Any]]


def events_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]


def curves_of(folder: Path) -> dict[str, list[tuple[int, float]]]:
    found = EventAccumulator(str(folder / "tensorboard")).Reload()
    return {tag: [(point.step, point.value) for point in found.Scalars(tag)] for tag in found.Tags()["scalars"]}


def test_a_finished_file_of_tensorboard_does_not_name_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "our[secret].machine")
    for epoch in range(1, 13):  # as a run that is resumed eleven times, within a second or two
        sink = Curves(tmp_path, ["Hit"])
        sink.event("epoch", {"epoch": epoch, "hit@10": epoch / 10})
        sink.close()
    names = [path.name for path in (tmp_path / "tensorboard").iterdir()]
    assert len(names) == 12 and not any("secret" in name for name in names)
    assert curves_of(tmp_path)["valid/hit@10"] == [(k, pytest.approx(k / 10)) for k in range(1, 13)]


def test_events_and_curves_of_a_run(build: Build) -> None:
    result = run(build()[0])
    folder = Path(result["run_directory"])
    events = events_of(folder)
    kinds = [event["event"] for event in events if event["event"] != "warning"]
    assert kinds[:2] == ["started", "epoch"] and kinds[-1] == "finished" and kinds.count("epoch") == 2
    assert [event["time"] for event in events] == sorted(event["time"] for event in events)
    best = [event for event in events if event["event"] == "best"]
    assert (best[-1]["epoch"], best[-1]["score"]) == (result["best_epoch"], result["valid"]["ndcg@2"])
    assert events[-1]["test"] == result["test"]
    curves = curves_of(folder)
    rows = [event for event in events if event["event"] == "epoch"]
    assert curves["train/loss"] == [(row["epoch"], pytest.approx(row["train_loss"])) for row in rows]
    assert curves["valid/ndcg@2"] == [(row["epoch"], pytest.approx(row["ndcg@2"])) for row in rows]
    assert curves["train/learning_rate"] == [(row["epoch"], pytest.approx(row["learning_rate"])) for row in rows]
    assert {"train/seconds", "valid/seconds"} <= set(curves)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (NonFiniteError("the loss is nan"), "failed"),
        (KeyError("x"), "failed"),
        (InterruptedRun("stopped", 15), "interrupted"),
        (KeyboardInterrupt(), "interrupted"),
        (SystemExit(0), "interrupted"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_how_a_run_ends_is_an_event(
    error: BaseException, kind: str, build: Build, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fit(*args: Any, **more: Any) -> None:
        logging.getLogger("recbole_ext.any").warning("it is slow")
        logging.getLogger("other").warning("not ours")
        raise error

    monkeypatch.setattr(RunTrainer, "fit", fit)
    config = build()[0]
    known = set((tmp_path / "runs").iterdir())
    with pytest.raises(type(error)):
        run(config)
    (folder,) = set((tmp_path / "runs").iterdir()) - known
    events = [(event["event"], event.get("text", "")) for event in events_of(folder)]
    assert ("warning", "it is slow") in events and events[-1][0] == kind
    said = events[-1][1]  # the folder of the run is named without those above it
    assert str(error).partition("\n")[0] in said and str(tmp_path) not in said and "not ours" not in str(events)


@pytest.mark.slow
def test_a_continued_run_goes_on_in_the_same_files(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    config, _, _ = build(epochs=3)
    before_epoch = Keeper.before_epoch
    # one process writes both files here, within a second: TensorBoard reads them by name, their number 10 before 9
    monkeypatch.setattr(event_file_writer, "_global_uid", event_file_writer.AtomicCounter(0))

    def interrupted(self: Keeper) -> None:
        if self.state.epoch == 2:
            raise InterruptedRun("stopped", 15)
        before_epoch(self)

    monkeypatch.setattr(Keeper, "before_epoch", interrupted)
    with pytest.raises(InterruptedRun):
        run(config)
    monkeypatch.setattr(Keeper, "before_epoch", before_epoch)
    folder = Path(run(config, resume="newest")["run_directory"])
    kinds = [event["event"] for event in events_of(folder) if event["event"] not in ("best", "warning")]
    assert kinds == ["started", "epoch", "epoch", "interrupted", "continued", "epoch", "finished"]
    assert [step for step, _ in curves_of(folder)["train/loss"]] == [1, 2, 3]


class Broken:
    """A sink that never works."""

    name = "broken"

    def event(self, kind: str, facts: dict[str, Any]) -> None:
        raise OSError("no space at https://user:canary@host/")

    def close(self) -> None:
        raise OSError("still none")


def test_a_sink_that_fails_is_warned_about_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    here = Tracking([Broken(), EventFile(tmp_path)])
    for epoch in range(3):
        here.event("epoch", epoch=epoch)
    here.close()
    assert [event["epoch"] for event in events_of(tmp_path)] == [0, 1, 2]
    (shown,) = [record.getMessage() for record in caplog.records]
    assert shown.startswith("broken does not work, the run goes on without it: no space") and "canary" not in shown


def test_a_full_disk_stops_no_run(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch.utils.tensorboard

    class Full:
        def __init__(self, *args: Any, **more: Any) -> None:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch.utils.tensorboard, "SummaryWriter", Full)
    monkeypatch.setattr(EventFile, "event", Full)
    assert run(build()[0])["epochs_trained"] == 2


def test_lines_are_strict_json(tmp_path: Path) -> None:
    import torch

    EventFile(tmp_path).event("epoch", {"a": float("nan"), "b": torch.tensor(2.0), "c": (1, None, True), "d": tmp_path})
    (event,) = events_of(tmp_path)
    assert (event["a"], event["b"], event["c"], event["d"]) == ("nan", 2.0, [1, None, True], str(tmp_path))


def test_names_of_curves() -> None:
    names = {
        "NDCG@10": "valid/NDCG@10",
        "auc": "valid/auc",
        "train_loss": "train/loss",
        "valid_seconds": "valid/seconds",
    }
    assert {name: curve(name, ["NDCG", "AUC"]) for name in names} == names
    assert curve("grad_norm", ["NDCG"]) == "train/grad_norm"


@pytest.mark.parametrize(("asked", "installed", "kinds"), [("auto", True, 2), ("auto", False, 1), (False, True, 1)])
def test_curves_are_drawn_where_they_can_be(
    asked: object, installed: bool, kinds: int, build: Build, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tracking, "find_spec", lambda name: object() if installed else None)
    found = TrackingSettings.read(build(log_tensorboard=asked)[0]).sinks(tmp_path, "made", {})
    assert len(found) == kinds and isinstance(found[0], EventFile)
    assert isinstance(found[-1], Curves) is (kinds == 2)


@pytest.mark.parametrize("library", ["tensorboard", "wandb"])
def test_a_library_that_is_asked_for_must_be_there(library: str, build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "find_spec", lambda name: None)
    with pytest.raises(ResourceError, match=f"log_{library} needs {library}, .* pip install {library}"):
        TrackingSettings.read(build(**{f"log_{library}": True})[0]).require_sinks()


def test_weights_and_biases(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[Any] = []
    there = SimpleNamespace(
        log=lambda row, step: logged.append((step, row)), summary={}, finish=lambda: logged.append("finished")
    )
    given: dict[str, Any] = {}
    fake = SimpleNamespace(init=lambda **how: given.update(how) or there, Settings=lambda **how: how)
    monkeypatch.setitem(sys.modules, "wandb", fake)
    monkeypatch.setattr(tracking, "find_spec", lambda name: None if name == "tensorboard" else object())
    result = run(build(log_wandb=True, wandb_project="p")[0])
    folder = Path(result["run_directory"])
    assert (given["project"], given["name"], given["dir"]) == ("p", folder.name, str(folder))
    assert given["settings"]["x_disable_meta"] and given["config"]["epochs"] == 2
    assert [step for step, _ in logged[:-1]] == [1, 2] and logged[-1] == "finished"
    assert "valid/ndcg@2" in logged[0][1] and there.summary == {f"test/{k}": v for k, v in result["test"].items()}


def test_weights_and_biases_that_cannot_start_stop_no_run(
    build: Build, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def init(**how: Any) -> None:
        raise RuntimeError("no network")

    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(init=init, Settings=lambda **how: how))
    monkeypatch.setattr(tracking, "find_spec", lambda name: object())
    assert run(build(log_wandb=True, log_tensorboard=False)[0])["epochs_trained"] == 2
    assert "Weights & Biases does not work, the run goes on without it: no network" in caplog.text
