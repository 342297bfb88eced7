"""Every command answers from a run with vectors of items, gated item fields and event fields."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import recbole_ext as rx
from recbole_ext.cli.main import main
from recbole_ext.serving.engine import Event, Query, open_engine
from recbole_ext.serving.run import Run
from tests.conftest import write_inter
from tests.serving.continued.test_described_items import COLD, NEW, OLD, ROWS, run_on_the_past, write_data

pytestmark = pytest.mark.slow
HEADER = "user_id:token\titem_id:token\ttimestamp:float\tact:token\trating:float"
EVENTS: list[tuple[str, int, str, float | None]] = [
    ("i3", 0, "a1", 3.0),
    (COLD, 100, "a9", 4.0),
    ("i7", 900, "a0", None),
]
"""Item, seconds, kind, which the run knows or not, and rating of events of a user."""
BEGIN = 1_700_000_000


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of later interactions, and of a history."""
    root = tmp_path_factory.mktemp("later")
    write_data(root / "more", ROWS, [*OLD, COLD, *NEW], later=True)
    rows = [
        ("z", item, BEGIN + seconds, act, "" if rating is None else rating) for item, seconds, act, rating in EVENTS
    ]
    write_inter(root, "history", rows, HEADER)
    return root


@pytest.fixture(scope="module", params=["SS4Rec", "Mamba4Rec"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_on_the_past(
        tmp_path_factory.mktemp("described"), request.param, keep_files=True, item_vectors_dropout=0.3
    )


COMMANDS: dict[str, tuple[str, int]] = {
    "recommend": ("recommend --run RUN --k 3 --output OUT.tsv", 0),
    "history": ("recommend --run RUN --history ROOT/history/history.inter --k 3 --output OUT.tsv", 0),
    "evaluate": ("evaluate --run RUN --data ROOT/more/more.inter", 0),
    "drift of the test": ("drift --run RUN --future test --windows 5d --output OUT", 0),
    "drift": ("drift --run RUN --future ROOT/more/more.inter --windows 10d --output OUT", 0),
    "vectors": ("export --run RUN --format vectors --output OUT", 0),
    "split": ("export --run RUN --format split --output OUT", 0),
    "onnx": ("export --run RUN --format onnx --output OUT", 2),
    "report": ("report RUN", 0),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_commands(run: Run, root: Path, tmp_path: Path, name: str) -> None:
    text, code = COMMANDS[name]
    places = {"RUN": str(run.path), "ROOT": str(root), "OUT": str(tmp_path / "out")}
    for word, path in places.items():
        text = text.replace(word, path)
    assert main(text.split()) == code


def test_events_one_by_one_are_the_history_as_a_whole(run: Run) -> None:
    engine = open_engine(run)
    for n, (item, seconds, act, rating) in enumerate(EVENTS, start=1):
        engine.update(Event("z", item, BEGIN + seconds, values={"act": act, "rating": rating}))
        answer = engine.recommend(Query("z", k=10, at=BEGIN + seconds + 60))
        columns = ["user_id", "item_id", "timestamp", "act", "rating"]
        rows = [("z", other, BEGIN + when, *values) for other, when, *values in EVENTS[:n]]
        table = run.recommend(history=pd.DataFrame(rows, columns=columns), k=10, time=BEGIN + seconds + 60)
        assert answer.items == table["item_id"].tolist()
        np.testing.assert_allclose(answer.scores, table["score"], rtol=1e-4, atol=1e-5)


def test_text_in_a_column_of_numbers_is_refused(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "h.csv").write_text("item_id,timestamp,act,rating\ni3,1700000000,a1,4\ni7,1700000009,a1,four\n")
    assert main(["recommend", f"--run={run.path}", f"--history={tmp_path / 'h.csv'}"]) == 3
    assert "h.csv:3: rating must be a finite number (got 'four')" in capsys.readouterr().err


def test_a_final_model_on_all_rows_takes_them(tmp_path: Path) -> None:
    run = run_on_the_past(tmp_path, keep_files=True)
    settings: dict[str, Any] = {"data_path": str(tmp_path / "described"), "runs_dir": tmp_path / "final"}
    final = rx.train(run.config.model, "made", final_of=str(run.path), **settings)
    assert final.config["item_fields_mode"] == "gated" and final.config["train_on"] == "all"
    assert COLD in set(final.recommend(users=["u1"], k=40, remove_seen=False)["item_id"])


def test_graphs_of_a_run_without_event_fields_equal_torch(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    run = run_on_the_past(tmp_path, event_fields=[])
    assert main(["export", "--run", str(run.path), "--format", "onnx", "--output", str(tmp_path / "graphs")]) == 0
