"""`evaluate`: the table, the files, and what is refused with nothing written."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import recbole_ext as rx
from recbole_ext.cli.main import main
from tests.conftest import write_inter

TYPES = "wer:token;was:token;wann:float"
ROWS = [(f"u{u}", f"i{(u + 2 * k) % 5}", 1000 * u + 10 * k) for u in range(9) for k in range(4)]
LATER = [("u1", "i4", 20_000), ("u2", "i1", 20_001), ("new", "i1", 20_002), ("new", "i2", 20_003), ("u1", "x", 20_004)]


def write(path: Path, rows: list[tuple[Any, ...]], header: str = TYPES) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *(";".join(map(str, row)) for row in rows)]) + "\n")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("evaluate")


@pytest.fixture(scope="module")
def trained(folder: Path) -> Path:
    """SASRec on five items, with a separator and names of columns of its own."""
    write(folder / "data" / "klein" / "klein.inter", ROWS)
    given = {
        "USER_ID_FIELD": "wer",
        "ITEM_ID_FIELD": "was",
        "TIME_FIELD": "wann",
        "field_separator": ";",
        "load_col": {"inter": ["wer", "was", "wann"]},
        "data_path": folder / "data",
        "runs_dir": folder / "runs",
        "hidden_size": 8,
        "inner_size": 8,
        "n_layers": 1,
        "n_heads": 1,
        "MAX_ITEM_LIST_LENGTH": 4,
        "epochs": 1,
        "topk": [1, 3],
        "valid_metric": "NDCG@3",
        "show_progress": False,
        "device": "cpu",
    }
    return rx.train("SASRec", "klein", **given).path


@pytest.mark.slow
def test_the_table_and_the_files(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    later, output, rows = write(tmp_path / "later.inter", LATER), tmp_path / "later.json", tmp_path / "rows.tsv"
    words = ["evaluate", f"--run={trained}", f"--data={later}", f"--output={output}", f"--per-row={rows}"]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "evaluated   3; left out: 1 unknown item; 1 unknown user\n" in out
    for text in ("protocol", "own test", "popularity", "markov", "new users", "unknown items as missed targets: "):
        assert text in out, text
    report = json.loads(output.read_text())
    assert report["data"]["rows"] == 5 and report["data"]["start"] == "1970-01-01T05:33:20Z"
    assert report["own_test"]["hit@3"]["value"] == rx.load(trained).result["test"]["hit@3"]
    assert report["own_test"]["hit@3"]["low"] <= report["own_test"]["hit@3"]["value"]
    assert set(report["baselines"]) == {"popularity", "markov", "skip_markov"}
    table = pd.read_csv(rows, sep="\t")
    found = rx.load(trained).evaluate(later)
    assert table["user"].tolist() == [row[0] for row in LATER] and table["hit@1"].isna().sum() == 2
    assert table["hit@3"].mean() == pytest.approx(found.subset().metrics["hit@3"])
    assert report["later"]["metrics"]["hit@3"]["value"] == found.metrics["hit@3"]
    assert main(words) == 0  # replaces what it has written
    assert main([*words[:3], f"--output={later}"]) == 2 and later.read_text().startswith(TYPES)


CASES: dict[str, tuple[str, list[tuple[Any, ...]], str]] = {
    "earlier": (TYPES, [("u1", "i2", 5)], "before the training data of the run end"),
    "missing": ("wer:token;was:token", [("u1", "i2")], "the column 'wann' is missing"),
    "changed": ("wer:token;was:float;wann:float", [("u1", 2, 20_000)], "the column 'was' is float here and was token"),
    "unknown": (TYPES, [("u1", "x", 20_000)], "was 'x' is not in the run's data"),
    "first": (TYPES, [("new", "i1", 20_000)], "wer 'new' is not in the run's data"),
    "empty": (TYPES, [], "the file has a header and no rows"),
    "own": (TYPES, ROWS[3:4], "are a row of the run"),
    "number": (TYPES, [("u1", "i2", "noon")], "is not a number"),
}


@pytest.mark.parametrize("case", CASES)
def test_refusals_write_nothing(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str) -> None:
    header, rows, sentence = CASES[case]
    later, output = write(tmp_path / "later.inter", rows, header), tmp_path / "out.json"
    words = ["evaluate", f"--run={trained}", f"--data={later}", f"--output={output}", f"--per-row={tmp_path / 'r.csv'}"]
    assert main(words) == 3
    error = capsys.readouterr().err
    assert sentence in error and "Traceback" not in error and len(error.strip().splitlines()) <= 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["later.inter"]


def test_words_that_do_not_go_together(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    later = write(tmp_path / "later.inter", LATER)
    start = ["evaluate", f"--run={trained}", f"--data={later}"]
    for more, code, text in (
        ([f"--per-row={tmp_path / 'r.txt'}"], 2, "--per-row must end in one of .tsv"),
        ([f"--output={tmp_path / 'a.tsv'}"], 2, "--output is written as JSON and must end in .json"),
        ([f"--history={tmp_path / 'none.inter'}"], 3, "there is no such file"),
        ([f"--output={trained / 'x.json'}"], 2, "is the directory of a run"),
    ):
        assert main([*start, *more]) == code and text in capsys.readouterr().err
    assert main(["evaluate", f"--run={tmp_path}", f"--data={later}"]) == 2


def test_one_user_has_metrics_and_no_interval(trained: Path, tmp_path: Path) -> None:
    later = write(tmp_path / "later.inter", [("u1", "i4", 20_000), ("u1", "i0", 20_001)])
    found = rx.load(trained).evaluate(later)
    assert found.rows == 2 and found.intervals == {} and set(found.metrics) >= {"ndcg@3", "hit@1"}


def test_a_folder_and_a_history(trained: Path, tmp_path: Path) -> None:
    write(tmp_path / "neu" / "neu.inter", LATER)
    between = write(tmp_path / "between.inter", [("new", "i0", 19_000)])
    found = rx.load(trained).evaluate(tmp_path / "neu", between)
    assert found.rows == 4 and found.groups["new_users"].evaluated == 2


def test_data_without_times(tmp_path: Path) -> None:
    rows = [(f"u{u}", f"i{(u + 2 * k) % 7}") for u in range(9) for k in range(5)]
    root = write_inter(tmp_path / "data", "made", rows, "user_id:token\titem_id:token")
    given = {"load_col": {"inter": ["user_id", "item_id"]}, "eval_args": {"order": "RO"}, "embedding_size": 8}
    more = {"epochs": 1, "topk": [2], "valid_metric": "NDCG@2", "show_progress": False, "device": "cpu"}
    run = rx.train("BPR", "made", data_path=root, runs_dir=tmp_path / "runs", **given, **more)
    later = pd.DataFrame([("u1", "i0"), ("u1", "i2"), ("u2", "i5"), rows[4]], columns=["user_id", "item_id"])
    found = run.evaluate(later)
    known = {*rows}
    assert found.left_out == {"row of the run": sum(tuple(row) in known for row in later.to_numpy())}
    assert "time" not in found.table
    assert any("rows of the run itself" in note for note in found.notes)
