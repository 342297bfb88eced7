"""Two runs on the same users: the same weights, another seed, other data, and what cannot be compared."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import recbole_ext as rx
from recbole_ext.cli.main import main
from recbole_ext.drift.switch.compare import SwitchOptions, compare_runs, lines
from recbole_ext.drift.switch.sibling import find_sibling
from recbole_ext.errors import DataError, UsageError
from recbole_ext.experiments.attempts import FINISHED, Attempt
from recbole_ext.experiments.experiment import Experiment
from tests.conftest import write_inter

N_USERS = 40
SETTINGS: dict[str, Any] = {
    **{"epochs": 1, "baselines": [], "topk": [3], "valid_metric": "MRR@3", "embedding_size": 8, "device": "cpu"},
    **{"show_progress": False, "load_col": {"inter": ["user_id", "item_id", "timestamp"]}},
}


def write_rows(root: Path, name: str, first_item: int = 0, first_user: int = 0) -> Path:
    rng = np.random.default_rng(0)
    rows = [
        (f"u{user}", f"i{first_item + int(item)}", 100 * user + k)
        for user in range(first_user, first_user + N_USERS)
        for k, item in enumerate(rng.choice(30, 8, replace=False))
    ]
    return write_inter(root, name, rows)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two seeds of BPR, one on later data with other items and users, and a run with no user in common."""
    root = tmp_path_factory.mktemp("switch")
    write_rows(root, "made")
    write_rows(root, "later", first_item=5, first_user=4)
    write_rows(root, "others", first_user=900)
    made = {}
    for name, dataset, seed in (("a", "made", 1), ("b", "made", 2), ("later", "later", 1), ("others", "others", 1)):
        folder = root / "experiments" / "e" / "runs" if dataset == "made" else root / "runs"
        run = rx.train("BPR", dataset, data_path=root, **{**SETTINGS, "runs_dir": folder, "seed": seed})
        made[name] = run.path
    return made


@pytest.fixture
def users(tmp_path: Path) -> Path:
    path = tmp_path / "users.txt"
    path.write_text("\n".join([*(f"u{k}" for k in range(N_USERS + 4)), "stranger"]) + "\n")
    return path


@pytest.mark.slow
def test_the_same_weights_have_the_same_lists(runs: dict[str, Path], users: Path) -> None:
    found = compare_runs(SwitchOptions(runs["a"], runs["a"], users, k=5))
    measures = found.facts["measures"]
    assert found.facts["verdict"] == "OK" and "both runs have the same weights" in found.facts["notes"]
    assert {name: one["value"] for name, one in measures.items()} == dict.fromkeys(measures, 0.0)
    assert (found.rows.overlap == 1).all() and found.rows.users == [f"u{k}" for k in range(N_USERS)]
    assert found.facts["users"] == {
        **{"compared": 40, "known_to_a_alone": 0, "known_to_b_alone": 0},
        "known_to_neither": 5,
    }


@pytest.mark.slow
def test_the_lists_are_those_of_recommend(runs: dict[str, Path], users: Path) -> None:
    found = compare_runs(SwitchOptions(runs["a"], runs["b"], users, k=5))
    names = [f"u{k}" for k in range(N_USERS)]
    lists = [rx.load(runs[name]).recommend(names, k=5).groupby("user_id")["item_id"].agg(set) for name in "ab"]
    overlap = [len(lists[0][user] & lists[1][user]) / len(lists[0][user] | lists[1][user]) for user in names]
    assert found.rows.overlap.tolist() == pytest.approx(overlap)
    lost = set().union(*lists[0]) - set().union(*lists[1])
    assert found.facts["items_shown"]["lost"] == len(lost)
    assert found.facts["measures"]["items_lost"]["value"] == pytest.approx(
        len(lost) / len(set().union(*lists[0])), abs=1e-6
    )
    low, value, high = (found.facts["measures"]["overlap_lost"][key] for key in ("low", "value", "high"))
    assert low < value < high and value == pytest.approx(1 - np.mean(overlap), abs=1e-6)


@pytest.mark.slow
def test_another_seed_is_the_null(runs: dict[str, Path], users: Path) -> None:
    given = compare_runs(SwitchOptions(runs["a"], runs["later"], users, k=5, null=runs["b"])).facts
    plain = compare_runs(SwitchOptions(runs["a"], runs["later"], users, k=5)).facts
    assert given["null"]["runs"] == [runs["a"].name, runs["b"].name] and plain["null"] is None
    one, other = given["measures"]["overlap_lost"], plain["measures"]["overlap_lost"]
    assert one["excess"] == pytest.approx(one["value"] - one["null"], abs=2e-6) and other["excess"] == other["value"]
    assert "no second seed of either model is at hand" in lines(plain)[4]
    with pytest.raises(UsageError, match="no run"):
        compare_runs(SwitchOptions(runs["a"], runs["b"], users, null=users))


@pytest.mark.parametrize(
    ("b", "null", "message"),
    [
        ("later", "a", "it has the weights of A; name another seed of A"),
        ("b", "b", "it has the weights of B; name another seed of A"),
        ("b", "later", "its dataset is later, and that of A made"),
    ],
)
def test_a_null_that_is_no_other_seed_of_a(runs: dict[str, Path], users: Path, b: str, null: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        compare_runs(SwitchOptions(runs["a"], runs[b], users, k=5, null=runs[null]))


def test_a_null_that_knows_none_of_the_users(
    runs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "users.txt").write_text("u5\n")
    monkeypatch.setattr(
        "recbole_ext.drift.switch.lists.Ranker.knows", lambda self, user: self.run.path != runs["b"].resolve()
    )
    monkeypatch.setattr("recbole_ext.drift.switch.compare.find_sibling", lambda run, besides: runs["b"].resolve())
    with pytest.raises(DataError, match="it knows none of the users that are compared"):
        compare_runs(SwitchOptions(runs["a"], runs["later"], tmp_path / "users.txt", k=5))


def test_a_seed_of_the_same_experiment_is_found(runs: dict[str, Path]) -> None:
    folder, a, b, later = runs["a"].parent.parent, runs["a"], runs["b"], runs["later"]
    assert find_sibling(a, later) is None
    _record_experiment(folder, [a, b])
    assert find_sibling(a, later) == b.resolve() and find_sibling(b, later) == a.resolve()
    (folder / "experiment.yaml").unlink()
    assert find_sibling(a, later) is None


def test_two_seeds_that_are_compared_are_not_their_own_null(runs: dict[str, Path], users: Path) -> None:
    folder, a, b = runs["a"].parent.parent, runs["a"], runs["b"]
    _record_experiment(folder, [a, b])
    try:
        assert compare_runs(SwitchOptions(a, b, users, k=5)).facts["null"] is None
        third = folder.resolve() / "runs" / "third"
        third.mkdir()
        (third / "result.json").write_text("{}")
        _record_experiment(folder, [a, b, third])
        assert find_sibling(a, b) == find_sibling(b, a) == third
    finally:
        (folder / "experiment.yaml").unlink()


def _record_experiment(folder: Path, runs: list[Path]) -> None:
    (folder / "journal.jsonl").unlink(missing_ok=True)
    experiment = Experiment(folder, "BPR", "made", [1, 2, 3], {}, "t", "0", "2026-01-01T00:00:00+00:00")
    experiment.write()
    for number, run in enumerate(runs, start=1):
        times = ("2026-01-01T00:00:00+00:00",) * 2
        experiment.journal.record(Attempt(number, number, run.name, *times, FINISHED, "", 0.0))


@pytest.mark.slow
def test_other_data_with_other_users_and_items(runs: dict[str, Path], users: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    found = compare_runs(SwitchOptions(runs["a"], runs["later"], users, k=5, output=output))
    facts = json.loads((output / "switch.json").read_text())
    assert facts == found.facts and facts["users"] == {
        **{"compared": 36, "known_to_a_alone": 4, "known_to_b_alone": 4},
        "known_to_neither": 1,
    }
    assert facts["catalogue"] == {"a": 30, "b": 30, "both": 25}
    notes = " ".join(facts["notes"])
    assert "A was trained on made, B on later" in notes and "25 of them in common" in notes
    assert facts["popularity"]["unseen"]["a"] == 0 < facts["popularity"]["unseen"]["b"]
    table = pd.read_csv(output / "users.tsv", sep="\t")
    assert len(table) == 44 and table["known_to"].value_counts().to_dict() == {"both": 36, "a": 4, "b": 4}
    page = (output / "switch.html").read_text()
    assert "Two models on the same users" in page and not re.search(r"<script|https?://|src=", page)
    with pytest.raises(UsageError, match="already exists"):
        compare_runs(SwitchOptions(runs["a"], runs["later"], users, output=output))
    compare_runs(SwitchOptions(runs["a"], runs["later"], users, output=output, overwrite=True))


def test_few_users_are_too_few(runs: dict[str, Path], users: Path) -> None:
    users.write_text("u1\nu2\n")
    assert compare_runs(SwitchOptions(runs["a"], runs["b"], users)).facts["verdict"] == "INSUFFICIENT_DATA"


def test_no_user_in_common(runs: dict[str, Path], users: Path) -> None:
    with pytest.raises(DataError, match=r"none of its 45 users is known to both runs \(40 to .* alone, 0 to "):
        compare_runs(SwitchOptions(runs["a"], runs["others"], users))


def test_a_model_that_does_not_rank_is_refused(
    runs: dict[str, Path], users: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recbole_ext.serving.run import Run

    def refuse(self: Run, asked: str) -> None:
        if self.path == runs["b"]:
            raise UsageError(f"{self.path}: HybridVAE is a model of ratings")

    monkeypatch.setattr(Run, "require", refuse)
    with pytest.raises(UsageError, match="HybridVAE is a model of ratings"):
        compare_runs(SwitchOptions(runs["a"], runs["b"], users))


@pytest.mark.slow
def test_the_command(runs: dict[str, Path], users: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    command = ["drift", "compare", str(runs["a"]), str(runs["later"]), f"--users={users}", "--k=5"]
    assert main(command) == 0
    out = capsys.readouterr().out
    assert out.startswith("verdict  ") and "users    36 compared; known to A alone 4, to B alone 4, to neither 1" in out
    assert main([*command, "--json"]) == 0 and json.loads(capsys.readouterr().out)["kind"] == "switch"
    (tmp_path / "t.yaml").write_text("switch: {overlap_lost: 0}")
    assert main([*command, "--exit-code", f"--thresholds={tmp_path / 't.yaml'}"]) == 6
    for words, code, message in (
        (["--k=0"], 2, "--k must be at least 1"),
        (["--k=x"], 2, "--k must be a whole number"),
        (["--exclude-seen", "--include-seen"], 2, "exclude each other"),
    ):
        assert main([*[word for word in command if "--k" not in word], *words]) == code
        assert message in capsys.readouterr().err
    assert main([*command[:3], str(tmp_path / "none"), f"--users={users}"]) == 2
    assert main([*command[:4], f"--users={tmp_path / 'none'}"]) == 3
