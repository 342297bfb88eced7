import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import recbole_ext as rx
from recbole_ext.cli.main import main
from recbole_ext.comparison.compare import compare, lines
from recbole_ext.comparison.comparison import Table, cannot_say, compare_entries
from recbole_ext.comparison.entries import Entry, read_entry
from recbole_ext.errors import DataError, ResourceError, UsageError
from recbole_ext.evaluation.units import UNITS_FILE, ranked_units, units_bytes
from recbole_ext.experiments.attempts import FINISHED, Attempt, Journal, now
from recbole_ext.experiments.experiment import Experiment
from recbole_ext.report.page import Page
from tests.written_runs import N_USERS, words_of

Make = Callable[..., Path]


def hits(share: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random(N_USERS) < share


def table(*folders: Path | str, **given: Any) -> Table:
    found = compare([str(folder) for folder in folders], **given)
    assert len(found.tables) == 1
    return found.tables[0][0]


def test_a_planted_difference_between_single_runs_is_of_these_models_only(finished_run: Make) -> None:
    found = table(finished_run("a", hits(0.2)), finished_run("b", hits(0.5, 1)))
    first, second, markov = found.rows
    assert (found.metric, found.n_users, found.reference.name) == ("hit@10", N_USERS, "a")
    assert first.difference is None and first.own.std is None
    assert second.users is not None and second.difference is not None
    assert second.users[0] < second.difference < second.users[1]
    assert second.users[0] > 0 and second.verdict() == "better, these models only"
    assert second.seeds is None
    assert markov.entry.name == "markov" and markov.verdict() == "worse, these models only"


def test_runs_that_differ_by_noise_are_not_called_different(finished_run: Make) -> None:
    found = table(finished_run("a", hits(0.3)), finished_run("b", hits(0.3, 1)))
    assert found.rows[1].verdict() == "not shown"
    assert len(found.rows) == 3  # both runs' markov is the same, and stands there once


def test_seeds_are_paired_and_both_tests_must_hold(finished_run: Make) -> None:
    one, other, same = [], [], []
    for seed in range(4):
        noise = hits(0.3, 10 + seed)
        one.append(str(finished_run(f"a{seed}", noise, seed=seed)))
        other.append(str(finished_run(f"b{seed}", noise | hits(0.3, 50 + seed), seed=seed)))
        same.append(str(finished_run(f"c{seed}", hits(0.3, 90 + seed), seed=seed)))
    found = table(",".join(one), ",".join(other), ",".join(same))
    row = found.rows[1]
    assert row.entry.name == "b0 and 3 more" and row.own.n == 4 and row.own.std is not None
    assert row.seeds is not None and row.seeds.n == 4 and row.seeds.mean == pytest.approx(row.difference, abs=1e-9)
    assert row.verdict() == "better"
    assert found.rows[2].verdict() == "not shown"
    assert found.rows[3].verdict() == "worse"  # markov, the same beside each seed
    assert table(",".join(one), ",".join(other), baseline="b2").reference.name == "b0 and 3 more"


def test_entries_of_one_name_are_told_apart_by_their_folders(
    finished_run: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for place, share in (("one", 0.2), ("two", 0.5)):
        (tmp_path / place).mkdir()
        finished_run(place, hits(share), settings={"epochs": 9 + len(place), place: 1}).rename(
            tmp_path / place / "same"
        )
    found = table("one/same", "two/same", baseline="two/same")
    assert [row.entry.name for row in found.rows] == ["two/same", "one/same", "markov"]
    with pytest.raises(UsageError, match="may be one of several entries: one/same, two/same; take one of these"):
        table("one/same", "two/same", baseline="./two/same")
    assert main(["compare", "one/same", "two/same", "--output=page.html"]) == 0
    page = (tmp_path / "page.html").read_text()
    assert "one/same" in page and "two/same" in page


def test_a_run_is_named_from_within_its_own_folder(finished_run: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    first = finished_run("a", hits(0.2))
    finished_run("b", hits(0.5))
    monkeypatch.chdir(first)
    assert [row.entry.name for row in table("../b", ".", baseline="a").rows] == ["a", "b", "markov"]


def test_seeds_may_come_from_other_machines_but_not_from_other_data(finished_run: Make) -> None:
    places = [{"data_path": f"/{name}/made", "device": name} for name in ("cpu", "cuda")]
    one, other = (finished_run(f"a{n}", hits(0.3, n), seed=n, settings=of) for n, of in enumerate(places))
    assert table(f"{one},{other}").rows[0].own.n == 2
    third = finished_run("a3", hits(0.3), seed=3, data_sha256={"made.inter": "cd" * 32})
    with pytest.raises(UsageError, match=r"a3 is no other seed of .*a0: its data are others; give them apart"):
        table(f"{one},{third}")


def test_the_table_is_printed_where_no_page_can_be_written(
    finished_run: Make, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(page: Page, path: Path) -> None:
        raise ResourceError(f"cannot write {path}")

    monkeypatch.setattr(Page, "write", refused)
    assert main(["compare", str(finished_run("a", hits(0.2))), str(finished_run("b", hits(0.5)))]) == 4
    out, err = capsys.readouterr()
    assert "hit@10 on test" in out and "cannot write" in err


def test_users_are_resampled_and_not_rows(finished_run: Make) -> None:
    """Each user's four errors agree: an interval over rows would be half as wide."""
    rng = np.random.default_rng(0)
    first, second = (np.repeat(rng.normal(0, s, (N_USERS, 1)), 4, axis=1) for s in (1.0, 1.05))
    row = table(finished_run("a", errors=first), finished_run("b", errors=second)).rows[1]
    assert row.users is not None
    squared = (second**2 - first**2)[:, 0]
    by_users = 2 * 1.96 * squared.std() / N_USERS**0.5 / 2  # of the RMSE: the MSE's over twice the RMSE of about 1
    assert row.users[1] - row.users[0] == pytest.approx(by_users, rel=0.2)


def test_smaller_errors_are_better(finished_run: Make) -> None:
    rng = np.random.default_rng(0)
    folders = [finished_run(name, errors=rng.normal(0, s, (N_USERS, 4))) for name, s in (("a", 1.0), ("b", 0.8))]
    found = compare([str(folder) for folder in folders], ["all"])
    assert [one.metric for one in found.tables[0]] == ["rmse", "mae"]
    assert [one.rows[1].verdict() for one in found.tables[0]] == ["better, these models only"] * 2
    assert found.n_tests == 2


@pytest.mark.parametrize(
    "facts",
    [
        {"metric": "giniindex@10"},
        {"metric": "waste@10", "smaller_metrics": ["waste"]},
        {"metric": "waste@10", "valid_metric": "Waste@5", "valid_metric_bigger": False},
    ],
    ids=lambda facts: " ".join(facts),
)
def test_metrics_of_which_less_is_better_are_recognized(facts: dict[str, Any], finished_run: Make) -> None:
    entries = []
    for name, values in (("a", (0.5, 0.51, 0.52)), ("b", (0.3, 0.31, 0.32))):
        folders = [finished_run(f"{name}{seed}", hits(0.3), seed=seed) for seed in range(3)]
        for folder, value in zip(folders, values, strict=True):
            changed(folder, test={facts["metric"]: value}, baselines={}, **facts)
        entries.append(",".join(map(str, folders)))
    found = compare(entries, [facts["metric"]])
    assert found.tables[0][0].rows[1].verdict() == "better" and "smaller is better" in str(found)


def changed(folder: Path, **facts: Any) -> None:
    path = folder / "result.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | facts))


def test_a_baseline_of_splits_that_differ_by_seed_is_paired_with_its_own_seed(finished_run: Make) -> None:
    """The users tested differ too, so no test over users joins them."""
    runs, own = [finished_run(f"a{seed}", hits(0.3, seed), seed=seed, rows=seed) for seed in range(3)], []
    for seed, folder in enumerate(runs):
        users, values = np.arange(150 + seed).astype(str), hits(0.3, seed)[: 150 + seed].astype(float)
        of = {"Made": values, "markov": np.full(150 + seed, seed / 10)}
        units = {name: ranked_units(users, seed, {"hit@10": each}) for name, each in of.items()}
        (folder / UNITS_FILE).write_bytes(units_bytes(units))
        own.append(values.mean())
        changed(folder, test={"hit@10": own[-1]}, baselines={"markov": {"hit@10": seed / 10}})
    found = table(",".join(map(str, runs)), baseline="markov")
    assert found.reference.name == "markov" and found.rows[0].own.mean == pytest.approx(0.1)
    model = found.rows[1]
    assert model.seeds is not None and model.seeds.mean == pytest.approx(np.mean(own) - 0.1)
    assert model.users is None and found.n_users is None


def test_holm_is_over_everything_that_is_printed(finished_run: Make) -> None:
    folders = [str(finished_run(f"r{k}", hits(0.2 + 0.1 * k, k))) for k in range(4)]
    alone, whole = compare([folders[0], folders[3]]), compare(folders)
    assert (alone.n_tests, whole.n_tests) == (2, 4)
    p, corrected = alone.tables[0][0].rows[1].users_p, whole.tables[0][0].rows[3].users_p
    assert p is not None and corrected == pytest.approx(2 * p)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"data_sha256": {"made.inter": "cd" * 32}}, "data_sha256 'made.inter cdcdcdcdcdcd' instead of"),
        ({"seen_items": "seen items stay candidates"}, "seen_items 'seen items stay candidates' instead of"),
        ({"rows": 8}, "other tested rows"),
    ],
)
def test_other_protocols_data_or_rows_never_share_a_table(given: Any, message: str, finished_run: Make) -> None:
    folders = [str(finished_run("a", hits(0.2))), str(finished_run("b", hits(0.5), **given))]
    found = compare(folders)
    assert [len(tables) for tables in found.tables] == [1, 1]
    assert [[row.entry.name for row in one.rows] for (one,) in found.tables] == [["a", "markov"], ["b", "markov"]]
    assert message in found.groups[1].differs and found.groups[0].differs == ""
    assert "TABLE 2, not comparable with table 1" in "\n".join(lines(found))


def test_models_that_look_back_differently_far_share_a_table(finished_run: Make) -> None:
    folders = [str(finished_run("a", hits(0.2))), str(finished_run("b", hits(0.5), max_length=200))]
    found = compare(folders)
    assert [row.entry.name for (one,) in found.tables for row in one.rows] == ["a", "b", "markov"]
    assert "max length 50 (a), 200 (b)" in words_of(lines(found))


def test_a_run_without_units_stands_alone(finished_run: Make) -> None:
    folders = [finished_run("a", hits(0.2)), finished_run("b", hits(0.5))]
    (folders[1] / UNITS_FILE).unlink()
    found = compare([str(folder) for folder in folders])
    assert "b left no test_units.npz" in found.groups[1].differs
    assert found.tables[1][0].rows[1].users_p is None


def test_one_seed_of_five_and_one_epoch_of_five_carry_nothing(finished_run: Make) -> None:
    run = read_entry([finished_run("a", hits(0.2), epochs=1, settings={"epochs": 5})]).runs
    other = read_entry([finished_run("b", hits(0.6))])
    entry = Entry("phase", run, planned_seeds=5)
    assert cannot_say(entry) == (
        "phase: 1 of 5 seeds, 1 of 5 epochs: no statement on variance, best epoch or significance is possible"
    )
    found = compare_entries([other, entry], other, "hit@10")
    assert found.rows[1].difference is not None and found.rows[1].verdict() == "no claim"
    assert found.rows[1].users_p is None and found.rows[1].seeds is None


def test_what_several_seeds_and_enough_epochs_do_not_lack(finished_run: Make) -> None:
    runs = [read_entry([finished_run(f"a{s}", hits(0.2, s), seed=s)]).runs[0] for s in range(3)]
    assert cannot_say(Entry("x", runs, 3)) == ""
    assert cannot_say(Entry("x", runs, 5)) == "x: 3 of 5 seeds, 9 of 9 epochs: the plan is not finished"
    single = cannot_say(Entry("x", runs[:1], 1))
    assert single == "x: 1 seed, 9 of 9 epochs: no statement on variance is possible"


def test_a_run_without_a_result_is_told_and_left_out(finished_run: Make, capsys: Any) -> None:
    folders = [finished_run("a", hits(0.2)), finished_run("b", epochs=3, finished=False)]
    assert main(["compare", *map(str, folders)]) == 0
    out = capsys.readouterr().out
    assert "b: 0 of 1 seeds, seed 1: 3 of 9 epochs: no statement on variance, best epoch or significance" in out
    assert "\nb " not in out


def test_the_page_goes_over_no_file_of_a_run_and_none_of_others(finished_run: Make, tmp_path: Path) -> None:
    runs = [str(finished_run(name, hits(share))) for name, share in (("a", 0.2), ("b", 0.3))]
    inside, theirs = Path(runs[0]) / "config.yaml", tmp_path / "notes.html"
    theirs.write_text("mine")
    for output in (inside, theirs):
        before = output.read_text()
        assert main(["compare", *runs, f"--output={output}"]) == 2 and output.read_text() == before
    for _ in range(2):  # its own page is replaced
        assert main(["compare", *runs, f"--output={tmp_path / 'page.html'}"]) == 0
    assert main(["compare", *runs, f"--output={theirs}", "--overwrite"]) == 0 and theirs.read_text() != "mine"


def experiment(folder: Path, name: str, seeds: list[int], **facts: Any) -> Path:
    made = Experiment(folder / name, "Made", "made", seeds, {}, "t", "", now(), **facts)
    made.runs.mkdir(parents=True)
    made.write()
    return made.folder


def test_an_experiment_is_its_finished_seeds(finished_run: Make, tmp_path: Path) -> None:
    folder = experiment(tmp_path, "mine", [1, 2, 3, 4])
    for seed, done in ((1, True), (2, True), (3, False)):
        run = finished_run(f"s{seed}", hits(0.2, seed), seed=seed, epochs=9 if done else 2, finished=done)
        run.rename(folder / "runs" / run.name)
        state = FINISHED if done else "crashed"
        Journal(folder / "runs.jsonl").record(Attempt(seed, seed, run.name, now(), now(), state, "", 0.1))
    entry = read_entry([folder])
    assert (entry.name, [run.seed for run in entry.runs], entry.planned_seeds) == ("mine", [1, 2], 4)
    assert entry.unfinished == ["seed 3: 2 of 9 epochs", "seed 4: not started"]
    assert cannot_say(entry) == (
        "mine: 2 of 4 seeds, 9 of 9 epochs, seed 3: 2 of 9 epochs, seed 4: not started: the plan is not finished"
    )
    row = table(finished_run("a", hits(0.6)), folder).rows[1]
    assert row.own.n == 2 and row.verdict() == "worse, these models only"


def test_what_was_imported_is_compared_with_nothing(finished_run: Make, tmp_path: Path) -> None:
    folder, run = experiment(tmp_path, "past", [], imported="export.csv"), finished_run("a", hits(0.2))
    (run / "imported.json").write_text("{}")
    for path in (folder, run):
        with pytest.raises(UsageError, match=r"was imported; under which protocol .* compared with nothing"):
            compare([str(path)])


def test_the_command_prints_json_and_writes_a_page(finished_run: Make, tmp_path: Path, capsys: Any) -> None:
    folders = [str(finished_run(name, hits(share))) for name, share in (("a", 0.2), ("b", 0.6))]
    output = tmp_path / "page.html"
    assert main(["compare", *folders, "--json", f"--output={output}", "--baseline=markov", "--metric=HIT@10"]) == 0
    message = json.loads(capsys.readouterr().out)
    (one,) = message["groups"][0]["tables"]
    assert one["reference"] == "markov" and [row["name"] for row in one["rows"]] == ["markov", "a", "b"]
    assert one["rows"][2]["shown"] == "better, these models only" and message["tests"] == 2
    html = output.read_text()
    assert "hit@10 on test" in html and "no statement on variance" in html and "--baseline=markov" in html


def test_the_table_of_the_command(finished_run: Make, capsys: Any) -> None:
    folders = [str(finished_run(name, hits(share))) for name, share in (("a", 0.2), ("b", 0.6))]
    assert main(["compare", *folders]) == 0
    out, message = capsys.readouterr()
    (page,) = Path(folders[0]).parent.glob("comparison-*.html")
    assert str(page) in message and "on test" in page.read_text()
    shown = words_of(out.split())
    assert "corrected by Holm over all 2 tests here" in shown and "seeds 1; data made.inter abababababab" in shown
    assert "a test over users only holds for these trained models" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "compare needs RUN|EXPERIMENT"),
        (["nothing"], "nothing: there is no run"),
        (["{a}", "{a}"], "is given twice"),
        (["{a}", "--metrics=x"], "unknown option --metrics; did you mean 'metric'?"),
        (["{a}", "--metric=hit@1"], "--metric: 'hit@1' is not in every result; did you mean 'hit@10'?"),
        (["{a}", "--baseline=markow"], "--baseline=markow is none of the entries; did you mean 'markov'?"),
        (["{a},{b}"], "epochs is 7 and was 9; give them apart"),
        (["{a},{c}"], "seed 1 is there twice"),
    ],
)
def test_usage(words: list[str], message: str, finished_run: Make, capsys: Any) -> None:
    names = {"a": finished_run("a", hits(0.2)), "b": finished_run("b", hits(0.2), seed=2, settings={"epochs": 7})}
    names["c"] = finished_run("c", hits(0.3))
    assert main(["compare", *(word.format(**names) for word in words)]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("content", ["", "[]", '{"model": "Made"}', None])
def test_a_damaged_result_is_3(content: str | None, finished_run: Make, capsys: Any) -> None:
    folder = finished_run("a", hits(0.2))
    whole = json.loads((folder / "result.json").read_text())
    whole["protocol"]["surprise"] = 1
    (folder / "result.json").write_text(json.dumps(whole) if content is None else content)
    assert main(["compare", str(folder)]) == 3
    assert "result.json is damaged" in capsys.readouterr().err


def test_a_changed_result_is_told(finished_run: Make) -> None:
    folder = finished_run("a", hits(0.2))
    whole = json.loads((folder / "result.json").read_text())
    whole["test"]["hit@10"] = 0.99
    (folder / "result.json").write_text(json.dumps(whole))
    with pytest.raises(DataError, match=r"hit@10 of Made is 0.99 in result.json and .* one of them was changed"):
        compare([str(folder)])
    with pytest.raises(UsageError, match="there is no run"):
        read_entry([folder.parent])


def test_what_runs_have_cost_stands_beside_their_numbers(finished_run: Make, capsys: Any) -> None:
    folders = [finished_run(name, hits(share, seed), seed=seed) for name, share, seed in (("a", 0.2, 1), ("b", 0.6, 2))]
    assert main(["compare", *map(str, folders), "--metric=hit@10"]) == 0
    assert "cost" not in capsys.readouterr().out
    for folder, cost in zip(folders, (1.5, 0.25), strict=True):
        result = json.loads((folder / "result.json").read_text())
        (folder / "result.json").write_text(json.dumps({**result, "cost": cost}))
    assert main(["compare", ",".join(map(str, folders)), "--metric=hit@10"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert next(line for line in lines if "seeds" in line)[-1] == "cost"
    assert [line[-1] for line in lines if line and line[0] in ("a", "markov")] == ["1.75", "-"]
    assert any("1.75" in page.read_text() for page in folders[0].parent.glob("comparison-*.html"))


def test_one_run_need_not_be_in_a_list() -> None:
    with pytest.raises(UsageError, match="none-such: there is no run and no experiment"):
        rx.compare("none-such")
    with pytest.raises(UsageError, match="--run=none-such: there is no run"):
        rx.blend(Path("none-such"))
