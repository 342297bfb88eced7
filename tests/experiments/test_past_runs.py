import json
from pathlib import Path

import pytest

from recbole_ext.cli.main import main
from recbole_ext.diagnosis.curve import COLUMNS

HEADER = (
    "Name,State,Created,Runtime,batch_size,dropout_rate,hidden_dims,kl_weight,latent_dim,lr,n_epochs,n_factors,patience,"
    "seed,weight_decay,final_best_val_loss,train_loss,val_loss,final_best_val_rmse,train_rmse,val_kl,val_rmse"
)
SETTINGS = '2048,0.4,"[512,256,128]",0.01,64,0.0005,100,150,15,42,0.00003'
ROWS = [
    f"best-1,finished,2025-08-09T22:56:20.000Z,3600,{SETTINGS},0.59958,0.4953,0.6006,,,,",
    f"both-2,finished,2025-08-12T21:37:13.000Z,7200,{SETTINGS},0.634929,0.3868,0.6656,0.796824,0.6175,0.0544,0.8125",
    f"copy-3,crashed,2025-08-13T03:26:33.000Z,1800,{SETTINGS},0.634929,0.3868,0.6656,0.796824,0.6175,0.0544,0.8125",
    f"short-4,finished,2025-08-13T04:00:00.000Z,60,{SETTINGS},,,,,,NaN,",
]
MAP = "--map=wandb-hybrid-vae"


@pytest.fixture
def export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to stand in, with `past.csv`, made in the form of a Weights & Biases export."""
    (tmp_path / "past.csv").write_text("\n".join([HEADER, *ROWS]) + "\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def printed_error(capsys: pytest.CaptureFixture[str]) -> str:
    error = capsys.readouterr().err
    assert error.startswith("error: ") and "Traceback" not in error
    return error


def test_an_export_becomes_an_experiment_that_is_marked(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["experiment", "import", "past.csv", MAP]) == 0
    out = capsys.readouterr().out
    assert "imported from past.csv" in out and "protocol unknown, so these numbers are never put beside ours" in out
    assert "2 of 4 runs finished with a number (50%), 3.52 hours" in out
    assert "odd: copy-3 and both-2 report the same numbers to the last digit" in out
    record = json.loads((export / "experiments" / "past" / "runs" / "best-1" / "imported.json").read_text())
    assert record["reported"] == {"valid_loss": 0.6006, "best_valid_loss": 0.59958, "train_loss": 0.4953}
    assert record["protocol"] == "unknown" and "rmse" not in str(record["reported"])
    assert main(["experiment", "list"]) == 0
    out = capsys.readouterr().out
    assert "2/4 (50%) 3.52 past.csv" in " ".join(out.split()) and "best" not in out.splitlines()[0]
    assert main(["experiment", "show", "past"]) == 0
    assert "0.7968" in capsys.readouterr().out
    assert main(["experiment", "run", "past"]) == 2
    assert "past was imported from past.csv; its runs were made elsewhere" in printed_error(capsys)
    assert main(["experiment", "import", "past.csv", MAP]) == 2
    assert "there is an experiment past" in printed_error(capsys)


def test_runs_are_ranked_and_judged_by_the_same_criteria(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["experiment", "import", "past.csv", MAP]) == 0
    out = capsys.readouterr().out
    assert "ranked by best_valid_loss, smaller is better" in out
    table = [line.split() for line in out.splitlines()[3:8]]
    assert [row[:2] for row in table[1:]] == [["1", "best-1"], ["2", "both-2"], ["-", "copy-3"], ["-", "short-4"]]
    assert "NOT YET" in " ".join(table[1]) and "FAIL" in table[2]
    given = {"model": "m", "dataset": "d", "columns": "{name: Name, state: State}", "metrics": "{r2: val_rmse}"}
    (export / "map.yaml").write_text("".join(f"{k}: {v}\n" for k, v in given.items()) + "criteria: [r2 > 0.8]\n")
    assert main(["experiment", "import", "past.csv", "--map=map.yaml", "--name=other"]) == 0
    out = capsys.readouterr().out
    assert "ranked by r2, larger is better" in out and "PASS" in out
    assert main(["experiment", "show", "other"]) == 0
    assert "ranked by r2" in capsys.readouterr().out


def test_ours_and_theirs_stand_in_tables_of_their_own(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["experiment", "import", "past.csv", MAP]) == 0
    assert main(["experiment", "create", "mdaf-ml-1m-phase-1", "ours"]) == 0
    capsys.readouterr()
    assert main(["experiment", "list"]) == 0
    ours, theirs = capsys.readouterr().out.split("imported, protocol unknown: their numbers are never compared")
    assert "ours MDAFMamba ml-1m" in " ".join(ours.split()) and "past" not in ours and "past" in theirs


def test_a_run_with_a_history_can_be_diagnosed(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = export / "history"
    folder.mkdir()
    rates = [f"{epoch},{4 - 0.01 * epoch},{1.5 - 0.05 * epoch},{0.0005 * epoch / 2000}" for epoch in range(1, 9)]
    (folder / "best-1.csv").write_text("\n".join(["epoch,train_loss,val_loss,learning_rate", *rates]) + "\n")
    assert main(["experiment", "import", "past.csv", MAP, "--name=h", "--history=history"]) == 0
    assert "diagnose experiments/h/runs/best-1" in capsys.readouterr().out
    assert main(["diagnose", "experiments/h/runs/best-1", "--settings={warmup_steps: 2000}"]) == 0
    assert "it equals 0.0005 x epoch / 2000" in capsys.readouterr().out
    header = (export / "experiments" / "h" / "runs" / "best-1" / "metrics.csv").read_text().splitlines()[0]
    assert header == ",".join(COLUMNS[name][0] for name in ("epoch", "train_loss", "valid", "learning_rate"))
    assert main(["diagnose", "experiments/h/runs/both-2"]) == 3
    assert "was imported without a history" in printed_error(capsys)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"metrics": "{rmse: val_loss}"}, r"takes the column 'val_loss' for rmse: a loss may hold more"),
        ({"metrics": "{best_rmse: renamed}"}, r"takes 'renamed' for best_rmse, but it holds the numbers of 'val_loss'"),
        (
            {"metrics": "{rmse: val_rsme}"},
            r"no column 'val_rsme', which the map takes for rmse; did you mean 'val_rmse'",
        ),
        ({"columns": "{name: Name, sate: State}"}, r"columns: unknown name 'sate'; did you mean 'state'"),
        ({"columns": "{state: State}"}, "a map names model, dataset, and under columns at least name"),
        ({"metric": "{rmse: val_rmse}"}, r"unknown key 'metric'; did you mean 'metrics'"),
        (
            {"rank_by": "rmse", "metrics": "{mse: val_rmse}"},
            r"map.yaml: 'rmse' is none of its metrics; did you mean 'mse'",
        ),
        ({"criteria": "[rmse < 1]", "metrics": "{mse: val_rmse}"}, r"'rmse' is none of its metrics"),
        ({"metrics": "[val_rmse]"}, "map.yaml: metrics must map our names to columns (got \"['val_rmse']\")"),
        ({"settings": "lr"}, "map.yaml: settings must map our names to columns (got 'lr')"),
        ({"history": "{epochs: epoch}"}, r"history: unknown name 'epochs'; did you mean 'epoch'"),
    ],
    ids=str,
)
def test_what_a_map_may_not_say(
    changed: dict[str, str], message: str, export: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = (export / "past.csv").read_text().splitlines()
    values = ["renamed", "0.6006", "0.6656", "0.6656", ""]
    (export / "past.csv").write_text("".join(f"{a},{b}\n" for a, b in zip(table, values, strict=True)))
    given = {"model": "m", "dataset": "d", "columns": "{name: Name}", **changed}
    (export / "map.yaml").write_text("".join(f"{key}: {value}\n" for key, value in given.items()))
    assert main(["experiment", "import", "past.csv", "--map=map.yaml"]) == 2
    assert message in printed_error(capsys)
    assert not (export / "experiments").exists()


def test_a_row_that_ends_early_is_imported_with_what_it_has(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (export / "past.csv").write_text("\n".join([HEADER, *ROWS, "cut-5", "cut-6,finished,2025-08"]))
    assert main(["experiment", "import", "past.csv", MAP]) == 0
    assert "2 of 6 runs finished with a number" in capsys.readouterr().out


def test_a_run_that_was_removed_is_named(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["experiment", "import", "past.csv", MAP]) == 0
    assert main(["runs", "rm", "experiments/past/runs/both-2"]) == 0
    capsys.readouterr()
    assert main(["experiment", "show", "past"]) == 0
    out = capsys.readouterr().out
    assert "removed: both-2" in out and "best-1" in out and "odd:" not in out


@pytest.mark.parametrize(("created", "seconds"), [("2025-08-09", "1e15"), ("0001-01-01T00:00:00+05:00", "60")])
def test_times_beyond_the_calendar_end_no_import(
    created: str, seconds: str, export: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = ROWS[1].replace("2025-08-12T21:37:13.000Z", created).replace("7200", seconds)
    (export / "past.csv").write_text(f"{HEADER}\n{row}\n")
    assert main(["experiment", "import", "past.csv", MAP]) == 0
    assert "1 of 1 runs finished with a number" in capsys.readouterr().out
    assert main(["experiment", "show", "past"]) == 0


def test_nothing_is_left_of_an_import_that_fails(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = (export / "past.csv").read_text()
    (export / "past.csv").write_text(whole.replace("[512,256,128]", "[512,256", 1))
    assert main(["experiment", "import", "past.csv", MAP]) == 2
    printed_error(capsys)
    assert not (export / "experiments" / "past").exists()
    (export / "past.csv").write_text(whole)
    assert main(["experiment", "import", "past.csv", MAP]) == 0


def test_a_folder_that_is_no_experiment_keeps_its_files(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = export / "past"
    folder.mkdir()
    (folder / "best-1.csv").write_text("x\n1\n")
    words = ["experiment", "import", "past.csv", MAP, "--history=past", "--experiments-dir=."]
    assert main(words) == 2
    assert "there is a file or folder past in .; choose another name" in printed_error(capsys)
    assert [path.name for path in folder.iterdir()] == ["best-1.csv"]


def test_files_that_are_none(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["experiment", "import", "past.csv"]) == 2
    assert "experiment import needs --map" in printed_error(capsys)
    assert main(["experiment", "import", "past.csv", "--map=wandb-hybrid"]) == 2
    assert "no file 'wandb-hybrid'; did you mean 'wandb-hybrid-vae'" in printed_error(capsys)
    assert main(["experiment", "import", "none.csv", MAP]) == 3
    assert "cannot read none.csv" in printed_error(capsys)
    (export / "empty.csv").write_text(HEADER + "\n")
    assert main(["experiment", "import", "empty.csv", MAP]) == 3
    assert "empty.csv: the file has no runs" in printed_error(capsys)
