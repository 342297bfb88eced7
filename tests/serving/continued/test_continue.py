"""Whole continued runs: what changed is learnt, new items are recommended, the earlier run stays as it was."""

import hashlib
import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import recbole_ext as rx
from recbole_ext.cli.main import main
from recbole_ext.runs.checkpoint import load_weights
from tests import forked
from tests.conftest import write_inter
from tests.drift.made_logs import DAY, START, write_file
from tests.serving.continued.conftest import LATER, trained

pytestmark = pytest.mark.slow
EPOCHS = 12


def content(folder: Path) -> dict[str, str]:
    """sha256 of every file of a run's directory but its lock."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith(".")]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def continued(old: Path, data: Path, *more: str, code: int = 0) -> Path:
    """The directory of the continued run that the command leaves; the one before where it fails."""
    before = set(old.parent.glob("*-made-*"))
    assert main(["continue", "--run", str(old), "--data", str(data), *more]) == code
    new = set(old.parent.glob("*-made-*")) - before
    return new.pop() if new else old


@pytest.mark.parametrize("model", ["SS4Rec", "Mamba4Rec"])
def test_what_changed_is_learnt(
    model: str, tmp_path: Path, later_file: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    old = trained(tmp_path, model, epochs=EPOCHS)
    before = content(old.path)
    folder = continued(old.path, later_file(), f"--epochs={EPOCHS}", "--replay=0.5")
    assert content(old.path) == before
    report = json.loads((folder / "continued.json").read_text())
    both = report["groups"]["both"]
    assert both["old"]["ndcg@5"]["value"] < 0.3 and both["continued"]["ndcg@5"]["value"] > 0.5
    assert both["difference"]["ndcg@5"]["low"] > 0.3
    assert both["difference"]["ndcg@5"]["value"] == pytest.approx(
        both["continued"]["ndcg@5"]["value"] - both["old"]["ndcg@5"]["value"]
    )
    assert report["new_users"] == 18 and report["new_items"] == 2 and report["replay"] == 0.5
    alone, every = report["groups"]["new_alone"], report["groups"]["all"]
    assert (
        alone["rows"] == report["not_evaluated_by_old"]["unknown item"] and alone["continued"]["hit@1"]["value"] > 0.4
    )
    assert every["rows"] == both["rows"] + alone["rows"] == report["rows"]["test"]
    assert every["continued"]["ndcg@5"]["value"] == pytest.approx(rx.load(folder).result["test"]["ndcg@5"], abs=1e-4)
    out = capsys.readouterr().out
    assert "rows that both evaluate" in out and "items of the old run as candidates" in out


def test_old_weights_are_measured_as_evaluate_does(tmp_path: Path, later_file: Callable[..., Path]) -> None:
    old = trained(tmp_path, epochs=3)
    run = old.continue_with(later_file(), epochs=2)
    report = json.loads((run.path / "continued.json").read_text())
    test = [row for row in LATER if row[2] >= report["starts"]["test"]]
    between = [row for row in LATER if row[2] < report["starts"]["test"]]
    files = [write_file(tmp_path / f"{name}.inter", rows) for name, rows in (("t", test), ("b", between))]
    found = old.evaluate(*files)
    both = report["groups"]["both"]
    assert both["rows"] == found.rows
    assert {name: round(of["value"], 4) for name, of in both["old"].items()} == found.metrics
    missed = found.groups["new_items_as_misses"].metrics
    assert {name: of["value"] for name, of in report["groups"]["all"]["old"].items()} == pytest.approx(missed)


def test_the_continued_run_is_a_run_as_any(tmp_path: Path, later_file: Callable[..., Path]) -> None:
    """It answers where the earlier run and all files are gone, and can be continued itself."""
    old = trained(tmp_path, epochs=2)
    folder = continued(old.path, later_file(), "--epochs=8")
    run = rx.load(folder)
    top = run.recommend(users=["u0", "v3", "w1"], k=2)
    assert {"x0", "x1"} & set(top["item_id"][top["user_id"] == "w1"]) and set(top["user_id"]) == {"u0", "v3", "w1"}
    more = [(f"u{u}", f"{'xy'[d % 2]}{u % 2}", START + (60 + d) * DAY + u) for u in range(8) for d in range(10)]
    assert run.evaluate(later_file(more)).left_out == {"unknown item": 40}
    again = run.continue_with(later_file(more), epochs=1)
    n_items = run.loaded.train.item_num
    assert again.loaded.train.item_num == n_items + 2
    for command in ("report", "diagnose"):
        assert main([command, str(folder)]) == 0
    assert main(["compare", str(folder), str(again.path)]) == 0
    old.path.rename(tmp_path / "gone")
    (old.path.parent / "continued-data").rename(tmp_path / "data-gone")
    assert set(rx.load(folder).recommend(users=["v3"], k=3).columns) == {"user_id", "item_id", "rank", "score"}


def test_ratings_with_new_users_and_items(tmp_path: Path) -> None:
    """Items 0 to 4 are good and the others bad; after the past it is the other way round."""
    header = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
    rng = np.random.default_rng(0)

    def rows(days: range, users: int, items: int, turned: bool) -> list[Any]:
        found = []
        for place, day in enumerate(np.repeat(days, 20)):
            user, item = int(rng.integers(users)), int(rng.integers(items))
            good = (item % 10 < 5) != turned
            found.append((f"u{user}", f"i{item}", 1 + 3 * good + (user + place) % 2, START + day * DAY + place))
        return found

    past = sorted(rows(range(20), 20, 10, False), key=lambda row: row[3])
    later = sorted(rows(range(21, 41), 25, 12, True), key=lambda row: row[3])
    data = write_inter(tmp_path, "made", past, header)
    sizes = {"embedding_size": 4, "hidden_size": 8, "latent_size": 2, "train_batch_size": 64, "side_features": []}
    split = {"split": {"RS": [0.8, 0.1, 0.1]}, "order": "TO", "group_by": "none"}
    old = rx.train("HybridVAE", "made", data_path=data, runs_dir=tmp_path / "runs", epochs=8, eval_args=split,
                   show_progress=False, device="cpu", learning_rate=0.02, time_context="past", **sizes)  # fmt: skip
    new = old.continue_with(write_file(tmp_path / "later.inter", later, header), epochs=8)
    report = json.loads((new.path / "continued.json").read_text())
    both, alone = report["groups"]["both"], report["groups"]["new_alone"]
    assert both["difference"]["rmse"]["high"] < -0.2 and alone["rows"] > 0
    assert report["candidates"] is None and report["new_users"] == 5 and report["new_items"] == 2
    pairs = [(user, item) for user, item, *_ in later[-5:]]
    rated = new.rate(pd.DataFrame(pairs, columns=["user_id", "item_id"]))
    assert rated["prediction"].between(1, 5).all()


PAGE = Path(__file__).parents[3] / "docs" / "continue.md"


def test_the_commands_of_the_page(tmp_path: Path, later_file: Callable[..., Path]) -> None:
    """With the paths of a run and of new rows in place of `RUN`, `new.inter` and `FOLDER`."""
    old, root = trained(tmp_path), write_inter(tmp_path / "new", "more", LATER)
    paths = {"RUN": str(old.path), "new.inter": str(later_file()), "FOLDER": str(root / "more")}
    commands = PAGE.read_text().split("```")[1].strip().splitlines()
    for line in commands:
        program, *words = line.split()
        assert program == "recbole-ext" and main([paths.get(word, word) for word in words]) == 0
    found = [json.loads(path.read_text()) for path in old.path.parent.glob("*/continued.json")]
    assert sorted(report["replay"] for report in found) == [0.2, 1.0] and len(commands) == 2


WORDS = ("--epochs=8", "--save_seconds=0", "--torch_threads=1")


def test_a_kill_and_a_resume_end_in_the_same_weights(tmp_path: Path, later_file: Callable[..., Path]) -> None:
    old, data = trained(tmp_path, epochs=2), later_file()
    whole = continued(old.path, data, *WORDS)
    words = ["continue", "--run", str(old.path), "--data", str(data), *WORDS, f"--runs_dir={tmp_path / 'killed'}"]
    process = forked.start(words, tmp_path, tmp_path / "out.txt")
    deadline = time.monotonic() + 120
    while not list((tmp_path / "killed").glob("*/metrics.csv")) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert process.pid
    process.kill()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    (folder,) = (tmp_path / "killed").glob("Mamba4Rec-*")
    assert not (folder / "result.json").exists()
    assert forked.run([*words, "--resume"], tmp_path, tmp_path / "out.txt") == 0, (tmp_path / "out.txt").read_text()
    assert [path.name for path in (tmp_path / "killed").glob("Mamba4Rec-*")] == [folder.name]
    one, other = (load_weights(run / "checkpoint", "best") for run in (whole, folder))
    assert all((one[name] == other[name]).all() for name in one)
    reports = [json.loads((run / "continued.json").read_text()) for run in (whole, folder)]
    assert reports[0]["groups"] == reports[1]["groups"]


def test_a_comparison_that_was_cut_off_is_made_by_resume(tmp_path: Path, later_file: Callable[..., Path]) -> None:
    old, data = trained(tmp_path), later_file()
    folder = continued(old.path, data, "--epochs=1")
    report = (folder / "continued.json").read_text()
    (folder / "continued.json").unlink()
    before = content(folder)
    assert continued(old.path, data, "--epochs=1", "--resume") == old.path  # no other run
    assert (folder / "continued.json").read_text() == report
    (folder / "continued.json").unlink()
    assert content(folder) == before


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--replay=2"], 2, "--replay must lie between 0 and 1 (got 2)"),
        (["--replay=all"], 2, "--replay must be a number (got 'all')"),
        (["--epochs=-1"], 2, "epochs must be at least 0"),
        (["--hidden_size=16"], 2, "start_from: item_embedding.weight"),
        (["--train_on=all"], 2, "continue sets train_on itself"),
        (["--data=gone.inter"], 3, "gone.inter: there is no such file"),
        (["--run=gone"], 2, "--run=gone: there is no run"),
        (["--resume=gone"], 2, "there is no run of this name"),
    ],
)
def test_the_command_says_what_is_wrong(
    past_run: Any,
    later_file: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    message: str,
) -> None:
    before = content(past_run.path)
    root = tmp_path / "runs"
    given = {"--run": str(past_run.path), "--data": str(later_file()), "--runs_dir": str(root)}
    given |= dict(word.split("=") for word in words)
    assert main(["continue", *(f"{name}={value}" for name, value in given.items())]) == code
    assert message in capsys.readouterr().err
    assert content(past_run.path) == before and not list(root.glob("Mamba4Rec-*"))


def test_a_damaged_run(tmp_path: Path, later_file: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    old = trained(tmp_path)
    (tensors,) = (old.path / "checkpoint").glob("best-*.safetensors")
    whole = tensors.read_bytes()
    tensors.write_bytes(whole[:-8] + bytes(8))
    continued(old.path, later_file(), code=3)
    assert "is damaged: its sha256 is" in capsys.readouterr().err
    assert not (old.path.parent / "continued-data").exists()
