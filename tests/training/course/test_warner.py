"""What goes out while a run goes on: an event, a line on the console, a message; each rule once."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.diagnosis.diagnose import diagnose
from recbole_ext.errors import InterruptedRun
from recbole_ext.pipeline.train import run
from recbole_ext.training.course import warner
from recbole_ext.training.keeper import Keeper
from recbole_ext.training.step_record import StepRecord
from recbole_ext.training.tracking import notify, resources
from recbole_ext.training.tracking.notify import Notifier

Build = Callable[..., tuple[Any, Any, Any]]
DISCORD = "https://discord.com/api/webhooks/12/canary-4711"


def warnings_of(folder: Path) -> list[dict[str, Any]]:
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    return [event for event in events if event["event"] == "warning" and "rule" in event]


def test_a_run_whose_gradients_explode_says_so_in_its_first_epoch(
    build: Build, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warner, "SECONDS", 0.0)
    result = run(build("BPR", learning_rate=5.0, epochs=2, train_batch_size=8, baselines=["popularity"])[0])
    folder = Path(result["run_directory"])
    told = warnings_of(folder)
    assert told[0]["rule"] == "diverged" and result["diverged"]
    events = [json.loads(line)["event"] for line in (folder / "events.jsonl").read_text().splitlines()]
    assert events.index("warning") < events.index("epoch")  # before the first epoch was over
    shown = capsys.readouterr().out
    assert shown.count("the run has diverged") == 2  # when it happened, and above the result
    assert shown.index("WARNING     the run has diverged") < shown.index("popularity")
    found, _ = diagnose(folder, {}, {}, {})
    assert found[0].name == "diverged" and {one.name for one in found} <= {
        *("diverged", "exploding_gradients", "too_little", "slow_down", "memory_nearly_full")
    }


@pytest.mark.parametrize("model", ["Mamba4Rec", "BPR"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_healthy_run_is_not_said_to_explode(model: str, seed: int, build: Build) -> None:
    _, loaders, trainer = build(model, seed=seed)
    trainer.fit(loaders.train, loaders.valid)
    rows = trainer.session.run.rows
    assert all(0 < row["grad_norm_growth"] < 10 and row["first_loss"] > 0 for row in rows)
    assert not {"diverged", "exploding_gradients"} & set(warner.found_in(rows, "ndcg@2", True))


@pytest.mark.slow
def test_memory_is_warned_about_once_and_reaches_a_person(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "memory_share", lambda: 0.95)
    monkeypatch.setenv(notify.VARIABLE, DISCORD)
    sent: list[str] = []
    monkeypatch.setattr(notify, "send", lambda address, body: sent.append(body["content"]))
    result = run(build(notify="discord", epochs=3)[0])
    (told,) = warnings_of(Path(result["run_directory"]))
    assert told["rule"] == "memory" and told["text"].startswith("95% of the machine's memory is in use in epoch 1; ")
    assert sum("95% of the machine's memory" in text for text in sent) == 1
    assert "finished" in sent[-1] and result["warnings"][0].startswith("95% of the machine's memory")


@pytest.mark.slow
def test_a_run_that_is_continued_is_not_warned_again(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    config, _, _ = build(epochs=3)
    monkeypatch.setattr(resources, "memory_share", lambda: 0.95)
    before_epoch = Keeper.before_epoch

    def interrupted(self: Keeper) -> None:
        if self.state.epoch == 2:
            raise InterruptedRun("stopped", 15)
        before_epoch(self)

    with monkeypatch.context() as patch:
        patch.setattr(Keeper, "before_epoch", interrupted)
        with pytest.raises(InterruptedRun):
            run(config)
    folder = Path(run(config, resume="newest")["run_directory"])
    assert [event["rule"] for event in warnings_of(folder)] == ["memory"]


def test_the_first_step_outlives_an_interruption() -> None:
    record, again = StepRecord(None), StepRecord(None)  # type: ignore[arg-type]
    record.first, record.norms = [2.0, 0.7], [2.0, 6.0]
    again.load_state_dict(json.loads(json.dumps(record.state_dict())))
    assert again.growth() == record.growth() == {"grad_norm_growth": 2.0, "first_loss": 0.7}
    assert record.recent() == {} and StepRecord(None).growth() == {}  # type: ignore[arg-type]


def test_every_message_that_is_not_sent_is_said_on_the_console(
    build: Build, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(address: str, body: dict[str, Any]) -> None:
        raise OSError(f"the answer of {address} was HTTP 500")

    monkeypatch.setattr(notify, "send", refused)
    monkeypatch.setattr(resources, "memory_share", lambda: 0.95)
    monkeypatch.setenv("DISCORD_WEBHOOK_URL", DISCORD)
    monkeypatch.delenv(notify.VARIABLE, raising=False)
    assert run(build(notify="discord", epochs=1)[0])["epochs_trained"] == 1
    shown = capsys.readouterr().out
    assert shown.count("notify does not work, the run goes on without it: the answer of") == 1
    assert shown.count("notify: the message 'finished' was not sent: the answer of") == 1 and "canary" not in shown


def test_rules_are_not_counted_among_the_few_other_warnings(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    monkeypatch.setattr(notify, "send", lambda address, body: sent.append(body["text"]))
    there = Notifier("webhook", "https://h.example/x", "M")
    for number in range(5):
        there.event("warning", {"text": f"slow {number}"})
    there.event("warning", {"text": "plateau", "rule": "plateau"})
    assert len(sent) == 4 and sent[-1] == "M warning: plateau"


def test_warnings_carry_their_rule_in_the_log(build: Build, caplog: pytest.LogCaptureFixture) -> None:
    _, loaders, trainer = build("BPR", learning_rate=5.0, epochs=1, train_batch_size=8)
    with caplog.at_level(logging.WARNING, "recbole_ext"):
        trainer.fit(loaders.train, loaders.valid)
    assert {getattr(record, "rule", "") for record in caplog.records} >= {"diverged"}
