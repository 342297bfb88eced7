import csv
import shutil
from pathlib import Path

import pytest

from recbole_ext.tuning.table import Table, Trial


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """Four trials: one finished, one stopped, one failed with a score, one under way."""
    table = Table(tmp_path, bigger=True)
    for state, reports in (
        ("finished", [[1, 0.1], [2, 0.3]]),
        ("stopped", [[1, 0.3]]),
        ("failed", [[1, 0.9]]),
        ("running", [[1, 0.2]]),
    ):
        trial = table.add({"learning_rate": 0.01, "encoder": [1, None]})
        trial.state, trial.reports = state, reports
        table.save(trial)
    return table


def test_it_is_read_back_as_it_was(table: Table) -> None:
    assert Table(table.folder, True).trials == table.trials
    assert [trial.number for trial in table.trials] == [0, 1, 2, 3]
    assert (table.folder / "trials" / "0003" / "trial.json").is_file()


def test_a_new_trial_takes_the_place_of_no_other(table: Table) -> None:
    """A damaged `trial.json` is removed by its folder; or by the file alone, which leaves the run of that trial."""
    shutil.rmtree(table.place(1))
    (table.place(3) / "trial.json").unlink()
    again = Table(table.folder, True)
    assert [again.add({"learning_rate": 0.1}).number for _ in range(2)] == [4, 5]
    assert [trial.number for trial in Table(table.folder, True).trials] == [0, 2, 4, 5]


def test_the_best_is_the_first_of_equals_and_did_not_fail(table: Table) -> None:
    best = table.best()
    assert best and best.number == 0
    assert [trial.number for trial in table.ranked()] == [0, 1]
    table.bigger = False
    table.trials[1].reports = [[1, 0.2]]
    assert [trial.number for trial in table.ranked()] == [1, 0]


def test_what_a_trial_says() -> None:
    trial = Trial(0, {}, reports=[[1, 0.1], [2, 0.3], [3, 0.3]])
    assert (trial.score, trial.epochs, trial.score_after(2), trial.score_after(9)) == (0.3, 3, 0.3, None)
    assert (Trial(0, {}).score, Trial(0, {}).epochs) == (None, 0)


def test_the_csv_has_the_seconds_of_all_parts_of_a_run(table: Table) -> None:
    run = table.place(0) / "SS4Rec-made-x"
    run.mkdir()
    (run / "config.yaml").write_text("")
    (run / "metrics.csv").write_text("epoch,train_seconds,valid_seconds\n0,1.5,0.5\n1,2.0,\n")
    table.write_csv()
    with open(table.folder / "trials.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4
    assert rows[0]["seconds"] == "4.0" and rows[0]["run"] == "trials/0000/SS4Rec-made-x" and rows[0]["score"] == "0.3"
    assert rows[2]["state"] == "failed" and rows[2]["encoder"] == "[1, None]"
