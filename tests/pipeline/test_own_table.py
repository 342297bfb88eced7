"""A table of one's own to a trained model, from Python and from the command line; the data set is made once."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import recbole_ext as rx
from recbole_ext.cli.main import main
from recbole_ext.config.keys.known_keys import host_keys, keys_of
from recbole_ext.errors import DataError, UsageError
from recbole_ext.pipeline.configure import build_config
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.pipeline.own_table import KEYS_TOO, OPTIONS, data_set_of
from recbole_ext.places import properties_folder

COLUMNS = {"user": "customer", "item": "sku", "time": "bought", "rating": "none"}


def purchases() -> pd.DataFrame:
    rows = [(f"u{u}", f"i{(3 * u + k) % 9}", 1_600_000_000 + 100 * u + k) for u in range(8) for k in range(6)]
    return pd.DataFrame(rows, columns=["customer", "sku", "bought"])


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Settings of a small run; the working directory is empty."""
    monkeypatch.chdir(tmp_path)
    return {
        "topk": [3],
        "valid_metric": "MRR@3",
        "epochs": 1,
        "embedding_size": 4,
        "baselines": [],
        "device": "cpu",
        "show_progress": False,
    }


def test_a_run_from_a_frame_answers_when_the_data_is_gone(given: dict[str, Any]) -> None:
    run = rx.train("BPR", data=purchases(), user="customer", item="sku", time="bought", **given)
    (folder,) = Path("dataset").iterdir()
    assert folder.name.startswith("table-") and folder.name in run.path.name
    shutil.rmtree("dataset")
    found = rx.load(run.path).recommend(users=["u1"], k=2)
    assert list(found["rank"]) == [1, 2] and set(found["item_id"]) <= set(purchases()["sku"])


@pytest.mark.slow
def test_one_command_trains_on_a_file(given: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    purchases().to_csv("log.csv", index=False)
    words = ["--model=BPR", "--data=log.csv", *(f"--{key}={value}" for key, value in given.items())]
    assert main([*words, "--seed=1"]) == 0
    printed = capsys.readouterr()
    assert "--user customer --item sku --rating none --time bought --time-unit s" in printed.err
    assert main([*words, "--dataset=shop", "--user=customer", "--time-unit=s", "--seed=2"]) == 0
    assert {run.name.split("-2")[0] for run in Path("runs").iterdir()} > {"BPR-shop"}
    first = next(Path("runs").glob("BPR-log-*"))
    assert main(["recommend", "--run", str(first), "--output=lists.csv"]) == 0
    assert len(pd.read_csv("lists.csv")["user_id"].unique()) == 8


def test_a_data_set_is_made_once_for_one_content(tmp_path: Path) -> None:
    name = data_set_of(purchases(), None, str(tmp_path), COLUMNS, quiet=True)
    made = (tmp_path / name / f"{name}.inter").stat().st_mtime_ns
    assert data_set_of(purchases(), None, str(tmp_path), COLUMNS, quiet=True) == name
    assert (tmp_path / name / f"{name}.inter").stat().st_mtime_ns == made
    others = {
        data_set_of(purchases().head(40), None, str(tmp_path), COLUMNS, quiet=True),
        data_set_of(purchases(), None, str(tmp_path), {**COLUMNS, "time": "none"}, quiet=True),
        data_set_of(purchases(), "shop", str(tmp_path), COLUMNS, quiet=True),
    }
    assert len(others - {name}) == 3 and "shop" in others
    assert data_set_of(purchases(), "shop", str(tmp_path), COLUMNS, quiet=True) == "shop"
    with pytest.raises(UsageError, match=r"shop: a data set of other data, or of other columns of it; give this one"):
        data_set_of(purchases().head(40), "shop", str(tmp_path), COLUMNS, quiet=True)


def warned_of_no_times(data: pd.DataFrame, root: Path, **given: Any) -> bool:
    name = data_set_of(data, None, str(root), {"rating": "none", **given}, quiet=True)
    settings = {"data_path": str(root), "device": "cpu", "topk": [3], "valid_metric": "MRR@3", "show_progress": False}
    config = build_config("SS4Rec", name, [], settings)
    dataset = create_dataset(config)
    build_loaders(config, dataset)
    assert not dataset.timed
    return any("order of the file" in warning for warning in dataset.ledger.warnings)


def test_a_run_warns_of_no_times_unless_none_were_asked_for(tmp_path: Path) -> None:
    timed, named = purchases(), {"user": "customer", "item": "sku"}
    without = timed.drop(columns="bought")
    assert warned_of_no_times(without, tmp_path, **named)  # the column may have a name that is not recognized
    assert not warned_of_no_times(without, tmp_path, **named, time="none")
    assert not warned_of_no_times(timed, tmp_path, **named, time="none")
    with pytest.raises(UsageError, match=r"(?s)use_target_time: True .* needs the times of events.*--protocol=no_time"):
        name = data_set_of(without, None, str(tmp_path), {**named, "time": "none"}, quiet=True)
        create_dataset(build_config("SS4Rec", name, [], {"data_path": str(tmp_path), "protocol": "time_aware"}))


def test_a_column_that_is_called_none_is_a_column(tmp_path: Path) -> None:
    data = purchases().rename(columns={"bought": "none"})
    folder = rx.convert(data, tmp_path, "shop", **{**COLUMNS, "time": "none"}, quiet=True)
    text = (folder / "shop.yaml").read_text()
    assert "TIME_FIELD: timestamp" in text and "no times" not in text


def test_convert_returns_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "log file.csv"
    purchases().to_csv(path, index=False)
    folder = rx.convert(path, tmp_path / "sets", keep="bought", max_rejected="1%", quiet=True, **COLUMNS)
    assert folder == tmp_path / "sets" / "log_file"
    assert sorted(file.suffix for file in folder.iterdir()) == [".inter", ".json", ".tsv", ".yaml"]
    with pytest.raises(UsageError, match=r"already exists"):
        rx.convert(str(path), tmp_path / "sets", quiet=True, **COLUMNS)
    again = rx.convert([purchases(), purchases()], tmp_path / "sets", "log_file", overwrite=True, quiet=True, **COLUMNS)
    assert len((again / "log_file.inter").read_text().splitlines()) == 49  # rows that are there twice are one


@pytest.mark.parametrize(
    ("settings", "kind", "message"),
    [
        ({"user": "customer", "dataset": "ml-100k"}, UsageError, "--user is about a table of your own: --data=FILE"),
        ({}, UsageError, "dataset, the name of a data set, or data, a table of your own, is needed"),
        ({"data": "log.csv"}, UsageError, "--input log.csv: no such file"),
        ({"data": pd.DataFrame({"a": [1], "b": [2]})}, UsageError, "--user: no column has a name that people use"),
        ({"data": purchases().head(0)}, DataError, "DataFrame: no rows"),
        ({"data": purchases(), "keep": "a,,b"}, UsageError, "names of columns with commas between"),
        ({"data": purchases(), "dataset": "a/b"}, UsageError, "--dataset must be 1 to 64 letters"),
        ({"data": purchases(), "epoch": 1}, UsageError, "unknown key 'epoch'"),
        ({"dataset": purchases()}, UsageError, r"dataset must be a name \(got DataFrame\); .* data=TABLE"),
        ({"dataset": "ml-100k", "config_files": "no.yaml"}, UsageError, "--config_files: no file 'no.yaml'"),
        ({"dataset": "none", "config_files": None, "topk": (np.int64(10),)}, UsageError, "no data set named 'none'"),
        ({"dataset": "ml-100k", "model": None}, UsageError, r"--model must be a name, .* or a class \(got None\)"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    settings: dict[str, Any], kind: type[Exception], message: str, given: dict[str, Any]
) -> None:
    with pytest.raises(kind, match=message):
        rx.train(**{"model": "BPR", **settings})
    assert not Path("runs").exists()


def test_convert_refuses_an_unknown_option(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"users_key: no option of a table; there are columns, encoding"):
        rx.convert(purchases(), tmp_path, users_key="x")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"overwrite": "no"}, r"overwrite must be of type bool \(got str 'no'\)"),
        ({"threads": "4"}, r"threads must be of type int \(got str '4'\)"),
        ({"threads": True}, r"threads must be of type int \(got bool 'True'\)"),
        ({"rows": purchases()["sku"] == "s1"}, r"rows must be of type str \(got Series"),
        ({"item_separator": 5}, r"item_separator must be of type str \(got int '5'\)"),
        ({"max_rejected": -1}, r"max_rejected must lie between 0 and 1, .* \(got -1.0\)"),
        ({"output": None}, r"output: the folder of data sets is needed \(got None\)"),
        ({"columns": "a,b,c"}, r"--columns names those of a csv without a header; those of DataFrame have names"),
    ],
)
def test_convert_refuses_values_of_another_type(tmp_path: Path, given: dict[str, Any], message: str) -> None:
    folder = rx.convert(purchases(), tmp_path, "shop", quiet=True, **COLUMNS)
    before = (folder / "shop.inter").stat().st_mtime_ns
    with pytest.raises(UsageError, match=message):
        rx.convert(purchases(), **{"output": tmp_path, "name": "shop", "quiet": True, **COLUMNS, **given})
    assert (folder / "shop.inter").stat().st_mtime_ns == before


def test_names_of_columns_of_a_csv_occur_once(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    purchases().to_csv(path, index=False, header=False)
    with pytest.raises(UsageError, match="--columns: 'a' occurs twice; give each column a name of its own"):
        rx.convert(path, tmp_path / "sets", columns=["a", *"abcdefgh"][: purchases().shape[1]], quiet=True)


def test_no_option_of_a_table_is_a_key_of_a_run() -> None:
    files = [properties_folder() / "overall.yaml", *(properties_folder() / "model").glob("*.yaml")]
    keys = set(host_keys()) | {key for path in files for key in keys_of(path)}
    assert not keys & set(OPTIONS) and keys >= set(KEYS_TOO)


def test_the_unit_of_time_is_of_the_table_where_there_is_one(given: dict[str, Any]) -> None:
    from recbole_ext.cli.all_commands import parse
    from recbole_ext.cli.run_settings import given_keys, settle_data

    words = parse(["run", "--model=BPR", "--dataset=made", "--time-unit=milliseconds"])
    settle_data(words)
    assert given_keys(words)["time_unit"] == "milliseconds"
    purchases().assign(bought="13/09/2020").to_csv("log.csv", index=False, encoding="utf-16")
    words = parse(["run", "--data=log.csv", "--time-unit", "%d/%m/%Y", "--encoding=utf-16"])
    with pytest.raises(DataError, match="no text"):
        settle_data(words)
    purchases().assign(bought="13/09/2020").to_csv("log.csv", index=False, encoding="latin-1")
    words = parse(["run", "--model=BPR", "--data=log.csv", "--time-unit", "%d/%m/%Y", "--encoding=latin-1"])
    settle_data(words)
    assert words.dataset.startswith("log-") and given_keys(words) == {"model": "BPR", "dataset": words.dataset}
