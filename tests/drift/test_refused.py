"""What cannot be measured is explained, with exit code 3 for data and 2 for usage, and nothing is left behind."""

from pathlib import Path

import pytest

from recbole_ext.cli.main import main
from recbole_ext.pipeline.configure import build_config
from recbole_ext.pipeline.train import run
from tests.drift.made_logs import DAY, SMALL, START, cut, walks, write_divided, write_file


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on days 0 to 10 of a divided data set."""
    root = tmp_path_factory.mktemp("refused")
    write_divided(root, "made", (8, 9), cut(walks(10, None, 20), 10)[0])
    given = {**SMALL, "epochs": 1, "benchmark_filename": ["train", "valid", "test"], "baselines": ["popularity"]}
    given |= {"load_col": {"inter": ["user_id", "item_id", "timestamp"]}, "device": "cpu", "show_progress": False}
    given |= {"data_path": str(root), "runs_dir": str(root / "runs")}
    return Path(run(build_config("GRU4Rec", "made", [], given))["run_directory"])


def row(user: str, day: float) -> tuple[str, str, int]:
    return (user, "i1", START + int(day * DAY))


LATER = [row(f"u{k}", 11 + k % 9) for k in range(18)]
FUTURES = {
    "earlier.inter": [row("u1", -20), row("u2", -10)],
    "overlap.inter": [row("u1", 5), *LATER],
    "gap.inter": [*LATER, row("u1", 60), row("u2", 60)],
    "alone.inter": [*LATER, row("u1", 26)],
    "strangers.inter": [(f"x{k}", f"y{k}", START + 11 * DAY + k) for k in range(9)],
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("future", "code", "message"),
    [
        ("earlier.inter", 3, "before the data of the run begin"),
        ("overlap.inter", 3, "past and future overlap"),
        ("gap.inter", 3, "has no rows, so nothing can be compared"),
        ("alone.inter", 3, "has one user alone"),
        ("strangers.inter", 3, "i"),
        ("absent.inter", 3, "there is no such file or folder"),
        ("2020-09-15T00:00:00Z", 3, "2020-09-15T00:00:00Z)\ngive a later cut"),
        ("2030-01-01T00:00:00Z", 3, "no interaction at or after 1893456000 (2030-01-01T00:00:00Z)"),
        ("0.5", 3, "it was trained and validated on interactions until"),
        ("1.5", 2, "a fraction of the rows between 0 and 1"),
        ("tomorrow", 2, "give a file, a data set's folder, test, a time"),
    ],
)
def test_futures(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], future: str, code: int, message: str
) -> None:
    if future in FUTURES:
        future = str(write_file(tmp_path / future, FUTURES[future]))
    elif future.endswith(".inter"):
        future = str(tmp_path / future)
    output = tmp_path / "out"
    assert (
        main(["drift", "--run", str(folder), "--future", future, "--output", str(output), "--windows", "10d"]) == code
    )
    error = capsys.readouterr().err
    assert message in error and error.startswith("error: ")
    assert not output.exists()


def test_a_column_that_changed(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_file(tmp_path / "changed.inter", LATER, "user_id:token\titem_id:float\ttimestamp:float")
    assert main(["drift", "--run", str(folder), "--future", str(file), "--output", str(tmp_path / "out")]) == 3
    assert "item_id" in capsys.readouterr().err and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--retrain=0", "--retrain=0: every how many windows"),
        ("--fine-tune=often", "--fine-tune=often: every how many windows"),
        ("--fine-tune-epochs=0", "--fine-tune-epochs must be at least 1"),
        ("--cost=-1", "--cost must be a number from 0"),
        ("--windows=30", "--windows 30: write a whole number and h, d or w"),
        ("--thresholds=absent.yaml", "absent.yaml"),
    ],
)
def test_options(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, message: str) -> None:
    command = ["drift", "--run", str(folder), "--future", "test", "--output", str(tmp_path / "out"), option]
    assert main(command) == 2
    assert message in capsys.readouterr().err and not (tmp_path / "out").exists()


@pytest.mark.slow
def test_outputs(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["drift", "--run", str(folder), "--future", "test", "--no-data-drift", "--output"]
    assert main([*command, str(folder / "out")]) == 2
    assert "is the directory of a run" in capsys.readouterr().err
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    assert main([*command, str(tmp_path / "full"), "--overwrite"]) == 2
    assert "it holds thesis.txt" in capsys.readouterr().err
    assert main([*command, str(tmp_path / "out")]) == 0
    written = (tmp_path / "out" / "drift.json").read_bytes()
    assert main([*command, str(tmp_path / "out")]) == 2
    assert "drift was measured there already; add --overwrite" in capsys.readouterr().err
    assert main([*command, str(tmp_path / "out"), "--windows", "1d"]) == 2
    assert "another measurement was begun there" in capsys.readouterr().err
    assert main([*command, str(tmp_path / "out"), "--overwrite"]) == 0
    assert (tmp_path / "out" / "drift.json").read_bytes() == written
