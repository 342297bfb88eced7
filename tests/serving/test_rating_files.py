from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from recbole_ext.cli.main import main
from recbole_ext.config.config import Config
from recbole_ext.errors import DataError, UsageError
from recbole_ext.pipeline.train import run
from recbole_ext.serving.rater import open_rater, together
from recbole_ext.serving.rating_files import audit_files, rated_pairs, read_columns
from tests.conftest import write_inter
from tests.model.test_hybridvae import HEADER, SIZES, rating_rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ratings")


@pytest.fixture
def finished(make_config: Callable[..., Config], folder: Path) -> Path:
    """A run on planted ratings: even users like even items; made once."""
    runs = sorted((folder / "runs").glob("*"))
    if runs:
        return runs[0]
    root = write_inter(folder, "made", rating_rows(False), HEADER)
    given = {**SIZES, "baselines": ["global_mean", "item_mean", "user_item_bias"], "runs_dir": str(folder / "runs")}
    result = run(make_config("HybridVAE", root, **given))
    assert set(result["baselines"]) == {"global_mean", "item_mean", "user_item_bias"}
    assert result["test"]["rmse"] < 0.5 < result["baselines"]["user_item_bias"]["rmse"]
    assert result["test"]["rmse"] == pytest.approx(result["ratings"]["all"]["rmse"], abs=1e-4)
    header = (Path(result["run_directory"]) / "metrics.csv").read_text().splitlines()[0].split(",")
    assert {"fit", "kl_tables", "kl", "active_units", "kl_d0", "rmse", "mae"} <= set(header)
    return Path(result["run_directory"])


def file(folder: Path, text: str) -> Path:
    path = folder / f"f{len(list(folder.iterdir()))}.tsv"
    path.write_text(text)
    return path


@pytest.mark.slow
def test_somebody_new_is_rated_for_by_a_handful_of_ratings(finished: Path) -> None:
    rater = open_rater(finished)
    known = rater.rate(pd.DataFrame({"user_id": ["4"], "item_id": ["2"]}))
    means = []
    for liked in (0, 1):
        stars = [5 if item % 2 == liked else 2 for item in range(8)]
        rater = open_rater(finished)
        rater.fold_in(pd.DataFrame({"item_id": [str(i) for i in range(8)], "rating": stars}))
        rated = rater.rate(rater.everything())
        even = rated["item_id"].astype(int) % 2 == 0
        means.append(rated["prediction"][even].mean() - rated["prediction"][~even].mean())
        assert rated["prediction"].between(2, 5).all() and (rated["std"] >= 0).all()
        again = rater.rate(pd.DataFrame({"user_id": ["4"], "item_id": ["2"]}))
        assert again["prediction"][0] == pytest.approx(known["prediction"][0], abs=1e-3)
    assert means[0] > 1 and means[1] < -1


def test_unknown_ids_get_a_prediction_and_a_file_of_pairs_is_written(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = file(tmp_path, "user_id:token\titem_id:token\n4\t2\n4\t3\nnobody\t2\n4\tnothing\n")
    output = tmp_path / "rated.tsv"
    assert main(["rate", f"--run={finished}", f"--pairs={pairs}", f"--output={output}"]) == 0
    rated = pd.read_csv(output, sep="\t")
    words = ["rate", f"--run={finished}", f"--pairs={pairs}"]
    readers = {".csv": pd.read_csv, ".jsonl": partial(pd.read_json, lines=True), ".parquet": pd.read_parquet}
    for ending, read in readers.items():
        for _ in range(2):  # its own file is known again
            assert main([*words, f"--output={output.with_suffix(ending)}"]) == 0
        assert read(output.with_suffix(ending))["prediction"].to_list() == rated["prediction"].to_list()
    assert main([*words, f"--output={tmp_path / 'rated.json'}"]) == 2
    assert "--output must end in one of .tsv, .csv, .jsonl, .parquet" in capsys.readouterr().err
    assert rated["prediction"].between(2, 5).all() and rated["prediction"][0] > rated["prediction"][1] + 1


def test_the_pairs_are_not_replaced_by_their_ratings(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = file(tmp_path, "user_id\titem_id\n4\t2\n")
    for output in (pairs, finished / "config.yaml"):
        before = output.read_text()
        words = ["rate", f"--run={finished}", f"--pairs={pairs}", f"--output={output}", "--overwrite"]
        assert main(words) == 2 and f"--output={output}: " in capsys.readouterr().err
        assert output.read_text() == before


@pytest.mark.slow
def test_several_runs_rate_by_their_mean(finished: Path, tmp_path: Path) -> None:
    rated = [pd.DataFrame({"item_id": ["1"], "prediction": [p], "std": [s]}) for p, s in ((3.0, 1.0), (4.0, 2.0))]
    found = together(rated)
    assert found["prediction"][0] == 3.5 and found["std"][0] == pytest.approx((2.5 + 0.25) ** 0.5, abs=1e-4)
    pairs, output = file(tmp_path, "user_id\titem_id\n4\t2\n"), tmp_path / "two.tsv"
    assert main(["rate", f"--run={finished},{finished}", f"--pairs={pairs}", f"--output={output}"]) == 0
    single = open_rater(finished).rate(pd.DataFrame({"user_id": ["4"], "item_id": ["2"]}))
    assert pd.read_csv(output, sep="\t")["prediction"][0] == round(single["prediction"][0], 4)


@pytest.mark.parametrize(
    ("history", "message"),
    [
        ({"item_id": ["none"], "rating": [3.0]}, "no item of the training split"),
        ({"item_id": ["1"], "rating": [9.0]}, "a rating of 9; the scale is 2 to 5"),
    ],
)
def test_a_history_that_tells_nothing_is_refused(finished: Path, history: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        open_rater(finished).fold_in(pd.DataFrame(history))


def test_times_are_read_and_written_as_the_file_has_them(finished: Path, tmp_path: Path) -> None:
    pairs = file(tmp_path, "user_id\titem_id\ttimestamp\n4\t2\t1600000000.50\n")
    assert rated_pairs([finished], pairs, None, None).row(0)[:3] == ("4", "2", "1600000000.50")
    wrong = file(tmp_path, "user_id\titem_id\ttimestamp\n4\t2\t1600000000000\n")
    with pytest.raises(DataError, match=r"tsv:2: timestamp 1600000000000 .*; give it in seconds"):
        rated_pairs([finished], wrong, None, None)
    rater, history = open_rater(finished), pd.DataFrame({"item_id": [1.0], "rating": [3.0]})
    with pytest.raises(DataError, match="line 1: timestamp is empty"):
        rater.fold_in(history.assign(timestamp=[pd.NaT]))
    rater.fold_in(history.assign(timestamp=[pd.Timestamp("2020-01-01")]))  # and 1.0 is the item '1'


def test_no_run_and_no_rating_model(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no config.yaml"):
        open_rater(tmp_path)


def test_the_audit_of_a_file_ends_with_an_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "".join(f"{n % 30}\t{n}\t{1 + n % 5}\t{3 + (n % 5 - 2) * 0.3:.2f}\n" for n in range(300))
    path = file(tmp_path, "user_id\titem_id\trating\tprediction\n" + rows)
    assert main(["metric-audit", str(path)]) == 0
    assert "no problems found" in capsys.readouterr().out
    assert main(["metric-audit", str(path), "--reported={RMSE: 0.5996}"]) == 7
    assert "FINDING     other_number" in capsys.readouterr().out
    train = file(tmp_path, "user_id\titem_id\trating\n0\t0\t3\n1\t999\t5\n")
    found = audit_files(path, train, {}, "")["findings"]
    assert found[0]["name"] == "training_rows" and "1 of 300" in found[0]["text"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["metric-audit"], "metric-audit needs FILE"),
        (["metric-audit", "f", "--rmse=1"], "unknown option --rmse"),
        (["metric-audit", "f", "--reported=1"], "--reported must be a mapping of numbers"),
        (["metric-audit", "f", "--reported={rmsee: 1}"], "'rmsee' is not audited; those that are: rmse, mse, loss, kl"),
        (["metric-audit", "f", "--reported={mae: .7, rmse: 1}"], "'mae' is not audited"),
        (["metric-audit", "f", "--reported={loss: .7}"], "--reported needs the rmse"),
        (["rate"], "rate needs --run"),
        (["rate", "--run="], "rate needs --run=RUN and --pairs"),
    ],
)
def test_usage(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert message in capsys.readouterr().err


def test_a_bad_file_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"f0.tsv:3: rating 'x' is not a finite number"):
        read_columns(file(tmp_path, "item_id,rating\n1,2\n1,x\n"), ["item_id", "rating"])
    with pytest.raises(DataError, match="the column 'rating' is missing"):
        read_columns(file(tmp_path, "item_id\n1\n"), ["item_id", "rating"])
    with pytest.raises(DataError, match="cannot read"):
        read_columns(tmp_path / "nothing", [])


def test_columns_may_have_the_names_of_the_data(tmp_path: Path) -> None:
    path = file(tmp_path, "member\tproduct\tstars\trating\nu\ti\t3\t300\n")
    names = {"member": "user_id", "product": "item_id", "stars": "rating", "timestamp": "timestamp"}
    found = read_columns(path, ["user_id", "item_id", "rating"], names)
    assert found.iloc[0].to_dict() == {"user_id": "u", "item_id": "i", "rating": 3}  # the run's own name comes first
    plain = file(tmp_path, "user_id\titem_id\trating\nu\ti\t4\n")
    assert read_columns(plain, ["user_id", "item_id", "rating"], names).iloc[0]["rating"] == 4


def test_a_file_whose_name_is_a_pattern_is_read_itself(tmp_path: Path) -> None:
    (tmp_path / "f1.tsv").write_text("user_id:token\titem_id:token\nother\tother\n")
    (tmp_path / "f[1].tsv").write_text("user_id:token\titem_id:token\nown\town\n")
    assert list(read_columns(tmp_path / "f[1].tsv", ["user_id", "item_id"])["user_id"]) == ["own"]


def test_quotes_between_tabs_are_text_unless_the_header_has_them(tmp_path: Path) -> None:
    rows = '"Weird Al" Y\t"q"\n7\t1\n'
    plain = read_columns(file(tmp_path, "user_id\titem_id\n" + rows), ["user_id", "item_id"])
    assert plain.values.tolist() == [['"Weird Al" Y', '"q"'], ["7", "1"]]
    quoted = read_columns(file(tmp_path, '"user_id"\t"item_id"\n"7"\t"a\tb"\n'), ["user_id", "item_id"])
    assert quoted.values.tolist() == [["7", "a\tb"]]
    commas = read_columns(file(tmp_path, 'user_id,item_id\n"x,y","1"\n'), ["user_id", "item_id"])
    assert commas.values.tolist() == [["x,y", "1"]]


@pytest.mark.parametrize("header", ["user_id\tuser_id:token\titem_id", "user_id\titem_id\tuser_id"])
def test_a_column_that_comes_twice_is_refused(header: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the header has the column 'user_id' more than once"):
        read_columns(file(tmp_path, f"{header}\n1\t2\t3\n"), ["user_id", "item_id"])
