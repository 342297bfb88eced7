from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from recbole_ext.cli.main import main
from recbole_ext.config.config import Config
from recbole_ext.errors import DataError, UsageError
from recbole_ext.pipeline.build import build_trainer
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.pipeline.train import run
from recbole_ext.runs.checkpoint import load_checkpoint
from recbole_ext.serving.given_columns import GivenTimes
from recbole_ext.serving.load import finished_config, load_run
from recbole_ext.serving.score import read_rows, score
from tests.conftest import CLICK_HEADER, SMALL_CLICKS, write_inter


@pytest.fixture
def finished(make_config: Callable[..., Config], once: Any) -> tuple[Path, Config]:
    rows = [
        (f"u{u}", f"i{(7 * u + 3 * k) % 20}", 100 * k + u, (7 * u + 3 * k) % 2) for u in range(20) for k in range(20)
    ]

    def train(folder: Path) -> tuple[Path, Config]:
        root = write_inter(folder, "made", rows, CLICK_HEADER)
        config = make_config("MDAFMamba", root, runs_dir=str(folder / "runs"), **SMALL_CLICKS)
        return Path(run(config)["run_directory"]), config

    return once("finished", train)


def table(path: Path, columns: dict[str, list[Any]]) -> Path:
    pl.DataFrame(columns).write_csv(path, separator="\t", quote_style="never")
    return path


@pytest.mark.slow
def test_a_tested_row_gets_the_probability_of_the_evaluation(finished: Any, tmp_path: Path) -> None:
    folder, config = finished
    loaders = build_loaders(config, create_dataset(config))
    model = build_trainer(config, loaders).model
    load_checkpoint(folder / "checkpoint", "best", model, config["device"])
    batch = next(iter(loaders.test))
    expected = model.eval().predict(batch).tolist()
    dataset = loaders.test.dataset
    columns = {
        "user_id": dataset.id2token("user_id", batch["user"]).tolist(),
        "item_id": dataset.id2token("item_id", batch["item"]).tolist(),
        "timestamp": batch["time"].tolist(),
    }
    target = tmp_path / "out.tsv"
    assert (
        main(["score", f"--run={folder}", f"--input={table(tmp_path / 'in.tsv', columns)}", f"--output={target}"]) == 0
    )
    scored = pl.read_csv(target, separator="\t")
    assert scored["probability"].to_list() == pytest.approx(expected, abs=1e-5)
    assert scored["item_id"].to_list() == columns["item_id"]


def test_a_history_in_the_file_counts_and_the_unknown_is_no_fault(finished: Any, tmp_path: Path) -> None:
    folder, _ = finished
    columns = {
        "user_id": ["u1", "nobody", "nobody"],
        "item_id": ["i3", "i3", "new"],
        "timestamp": [5000, 5000, 5000],
        "item_id_list": ["i1 i2 i5", "i1 gone i5", ""],
        "behavior_list": ["1 0 1", "1 1 0", ""],
        "age_list": ["90 50 1", "90 50 1", ""],
    }
    score(folder, table(tmp_path / "in.tsv", columns), tmp_path / "out.tsv")
    first = pl.read_csv(tmp_path / "out.tsv", separator="\t")["probability"].to_list()
    for ending, read in ((".csv", pl.read_csv), (".jsonl", pl.read_ndjson), (".parquet", pl.read_parquet)):
        score(folder, tmp_path / "in.tsv", tmp_path / f"out{ending}")
        assert read(tmp_path / f"out{ending}")["probability"].to_list() == first
    columns["behavior_list"][0] = "0 1 0"
    score(folder, table(tmp_path / "in.tsv", columns), tmp_path / "out.tsv")
    second = pl.read_csv(tmp_path / "out.tsv", separator="\t")["probability"].to_list()
    assert all(0 < p < 1 for p in first)
    assert first[0] != second[0]
    assert first[1:] == second[1:]


@pytest.mark.parametrize(
    ("columns", "fault"),
    [
        ({"user_id": ["u1"], "timestamp": [1]}, "the column 'item_id' is missing"),
        ({"user_id": ["u1"], "item_id": ["i1"], "timestamp": ["noon"]}, "in.tsv:2: timestamp 'noon' is not a number"),
        (
            {n: ["1"] for n in ("user_id", "item_id", "timestamp", "item_id_list", "age_list")}
            | {"behavior_list": ["like"]},
            "in.tsv:2: item_id_list, behavior_list and age_list",
        ),
    ],
)
def test_faults_of_the_file(finished: Any, tmp_path: Path, columns: dict[str, Any], fault: str) -> None:
    with pytest.raises(DataError, match=fault):
        score(finished[0], table(tmp_path / "in.tsv", columns), tmp_path / "out.tsv")


def test_what_is_no_run_of_a_click_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match="there is no run; give the directory"):
        score(tmp_path, tmp_path / "in.tsv", tmp_path / "out.tsv")
    assert main(["score", "--run=x"]) == 2
    assert "score needs --input" in capsys.readouterr().err


def test_times_count_what_the_run_names(finished: Any, tmp_path: Path) -> None:
    columns = {"user_id": ["u1", "new"], "item_id": ["i3", "i3"], "timestamp": [1_600_000_000, 1_600_000_100]}
    train = load_run(finished[0], finished_config(finished[0], None, None)).train
    table = pl.DataFrame(columns).with_columns(timestamp=pl.Series(["1600000000999", "1600000100000"]))
    rows = read_rows(train, table, GivenTimes("milliseconds", "in.tsv"))
    assert rows.columns[train.time_field].tolist() == columns["timestamp"]
    for times, fault in (("nan", "in.tsv:3: timestamp 'nan' is not a time"), ("1600000100000", "in.tsv:3: timestamp")):
        wrong = pl.DataFrame(columns).with_columns(timestamp=pl.Series(["1600000000", times]))
        with pytest.raises(DataError, match=fault):
            read_rows(train, wrong, GivenTimes(source="in.tsv"))
