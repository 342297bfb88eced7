"""Known answers: a planted effect, no effect, missing users; and logs that cannot be compared."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataset_tools.drift.ab.design import detectable_effect, power_of, sample_ratio_p, users_needed
from dataset_tools.drift.ab.log import read_outcomes
from dataset_tools.drift.ab.ratio import difference, ratio
from dataset_tools.drift.ab.trial import HIGHER, INSUFFICIENT, MISMATCH, OPEN, TrialOptions, compare_groups, lines
from dataset_tools.errors import DataError, UsageError
from recbole_ext.cli.main import main


def group(users: int, rate: float, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Clicked lists and lists of users whose own rates differ, so that rows of a user are not independent."""
    n = 1 + random.poisson(6, users)
    return random.binomial(n, random.beta(2 * rate, 2 * (1 - rate), users)).astype(float), n.astype(float)


def write_lists(path: Path, clicked: np.ndarray, lists: np.ndarray, prefix: str) -> Path:
    """A log in which each list has two items and its first one is clicked or not."""
    rows: list[dict[str, Any]] = []
    for user, (hits, n) in enumerate(zip(clicked.astype(int), lists.astype(int), strict=True)):
        for k in range(n):
            rows.append({"time": 100 * k, "user": f"{prefix}{user}", "items": [f"i{k}", "x"]})
            rows += [{"time": 100 * k + 5, "user": f"{prefix}{user}", "item": f"i{k}"}] * (k < hits)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_ratio_and_its_error_by_hand() -> None:
    found = ratio(np.array([1.0, 0.0, 3.0]), np.array([2.0, 1.0, 5.0]))
    residual = np.array([1 - 0.5 * 2, 0 - 0.5, 3 - 2.5]) / (8 / 3)
    assert found.value == 0.5 and found.variance == pytest.approx(residual.var(ddof=1) / 3)


def test_without_an_effect_five_percent_of_the_trials_find_one() -> None:
    random, found, naive = np.random.default_rng(0), 0, 0
    for _ in range(600):
        (y, n), (z, m) = group(150, 0.3, random), group(150, 0.3, random)
        one = difference(ratio(y, n), ratio(z, m), 0.05)
        found += one.p < 0.05
        rate = (y.sum() + z.sum()) / (n.sum() + m.sum())
        naive += abs(one.value) > 1.96 * (rate * (1 - rate) * (1 / n.sum() + 1 / m.sum())) ** 0.5
    assert 18 <= found <= 42  # 98 % of binomial(600, .05)
    assert naive > 150  # rows taken as independent


def test_a_planted_effect_of_the_detectable_size_is_found_as_often_as_the_power_says() -> None:
    random = np.random.default_rng(1)
    errors = [
        difference(ratio(*group(400, 0.3, random)), ratio(*group(400, 0.3, random)), 0.05).error for _ in range(20)
    ]
    effect = detectable_effect(float(np.mean(errors)), 0.05, 0.8)
    found = 0
    for _ in range(300):
        a, b = ratio(*group(400, 0.3, random)), ratio(*group(400, 0.3 + effect, random))
        found += difference(a, b, 0.05).low > 0
    assert 0.74 < found / 300 < 0.86
    assert power_of(effect, float(np.mean(errors)), 0.05) == pytest.approx(0.8, abs=1e-4)


def test_users_needed() -> None:
    error = 0.01
    assert users_needed(detectable_effect(error, 0.05, 0.8), error, 1000, 0.05, 0.8) == 1000
    assert users_needed(detectable_effect(error, 0.05, 0.8) / 2, error, 1000, 0.05, 0.8) == 4000


def test_the_sample_ratio() -> None:
    assert sample_ratio_p(500, 500, 0.5) == 1.0
    assert sample_ratio_p(5000, 5300, 0.5) == pytest.approx(0.00312, abs=1e-4)
    assert sample_ratio_p(900, 100, 0.9) == pytest.approx(1) and sample_ratio_p(500, 500, 0.9) < 1e-100


@pytest.mark.slow
def test_a_planted_effect_is_found_in_logs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(2)
    (y, n), (z, m) = group(600, 0.2, random), group(600, 0.4, random)
    a, b = write_lists(tmp_path / "a.jsonl", y, n, "a"), write_lists(tmp_path / "b.jsonl", z, m, "b")
    found = compare_groups(TrialOptions(a, b, minimum_effect="10%"))
    metric = found.facts["metrics"]["clicked_lists"]
    assert found.verdict == HIGHER and metric["a"] == y.sum() / n.sum() and metric["b"] == z.sum() / m.sum()
    assert metric["low"] < 0.2 < metric["high"] and metric["relative"] == pytest.approx(metric["b"] / metric["a"] - 1)
    assert found.facts["groups"]["a"] == {
        **{"users": 600, "lists": n.sum(), "clicked_lists": y.sum(), "clicks": y.sum()},
        "actions_elsewhere": 0,
    }
    assert main(["ab", str(a), str(b), "--minimum-effect=10%"]) == 0
    out = capsys.readouterr().out
    assert (
        out.startswith("verdict      B_IS_HIGHER (clicked_lists, B minus A)\n") and "more users needed for 80%" in out
    )
    assert main(["ab", str(a), str(b), "--json", "--metric=clicked_users"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == HIGHER


@pytest.mark.slow
def test_missing_users_are_a_mismatch_and_few_users_are_too_few(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    a = write_lists(tmp_path / "a.jsonl", *group(900, 0.2, random), "a")
    b = write_lists(tmp_path / "b.jsonl", *group(600, 0.2, random), "b")
    few = write_lists(tmp_path / "few.jsonl", *group(20, 0.2, random), "c")
    mismatch = compare_groups(TrialOptions(a, b))
    assert mismatch.verdict == MISMATCH and "cannot be compared" in lines(mismatch)[3]
    assert compare_groups(TrialOptions(a, b, fraction_a=0.6)).verdict == OPEN
    assert compare_groups(TrialOptions(a, few)).verdict == INSUFFICIENT


def test_users_of_both_groups_are_refused_or_left_out(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    a = write_lists(tmp_path / "a.jsonl", *group(300, 0.2, random), "a")
    b = write_lists(tmp_path / "b.jsonl", *group(300, 0.2, random), "b")
    b.write_text(b.read_text() + a.read_text().splitlines(keepends=True)[0])
    with pytest.raises(DataError, match=r"1 users are in both groups \(300 in A, 301 in B\).*'a0'"):
        compare_groups(TrialOptions(a, b))
    found = compare_groups(TrialOptions(a, b, leave_out_both=True))
    assert found.facts["users_in_both"] == 1 and found.facts["groups"]["a"]["users"] == 299


def test_an_action_is_the_outcome_of_the_newest_list_that_showed_its_item(tmp_path: Path) -> None:
    rows = [
        {"time": 0, "user": "u", "items": ["a", "b"]},
        {"time": 1, "user": "u", "item": "c"},  # no list showed it
        {"time": 2, "user": "u", "item": "a"},
        {"time": 3, "user": "u", "item": "a"},  # a second time
        {"time": 4, "user": "u", "item": "b"},  # the same list
        {"time": 5, "user": "u", "items": ["b"], "run": "r"},
        {"time": 500, "user": "u", "item": "b"},  # too late
        {"user": "v", "items": ["a", "b"], "clicked": ["b"]},
        {"time": 6, "user": "w", "items": ["a"]},
    ]
    log = tmp_path / "recommendations-20260101.jsonl"
    log.write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"user": "x", "ite')
    found = read_outcomes(tmp_path, 100)
    assert found.users == ["u", "v", "w"] and found.columns == ("lists", "clicked_lists", "clicks")
    assert found.counts.tolist() == [[2, 1, 2], [1, 1, 1], [1, 0, 0]] and found.actions_elsewhere == 3


def test_a_table_of_outcomes(tmp_path: Path) -> None:
    for name, value in (("a", 1.0), ("b", 2.5)):
        rows = [f"{name}{k % 150},{value + (k % 7) / 10}" for k in range(1000)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["user,outcome", *rows]) + "\n")
    found = compare_groups(TrialOptions(tmp_path / "a.csv", tmp_path / "b.csv"))
    assert found.facts["metric"] == "outcome" and found.facts["metrics"]["outcome"]["value"] == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{no\n", r"a.jsonl:1: the line is not JSON"),
        ('{"user": "u"}\n', "needs a user and either items .* or item"),
        ('{"items": ["a"]}\n', "needs a user"),
        ('{"user": "u", "items": "a"}\n', "items must be a list"),
        ('{"user": "u", "items": [], "time": "now"}\n', "time must be a number"),
        ('{"user": "u", "items": [], "outcome": NaN}\n', "outcome must be a number"),
        ("", "no list was shown to any user"),
        ("[" * 100_000 + "\n", "a.jsonl:1: the line is not JSON"),
        ('{"user": true, "items": ["a"]}\n', "needs a user"),
        ('{"user": "u", "items": ["a"], "time": 893286700000}\n', "counts milliseconds since 1970; write seconds"),
        ('{"user": "u", "items": [], "outcome": 2}\n{"user": "v", "items": []}\n', "1 of 2 lists have no outcome"),
        ('{"user": "u", "items": ["a"]}\n', "1 users are in both groups"),
    ],
)
def test_logs_that_cannot_be_compared(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.jsonl").write_text(text)
    assert main(["ab", str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")]) == 3
    error = capsys.readouterr().err
    assert re.search(message, error) and len(error.splitlines()) <= 3


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--metric=ndcg"], 2, "--metric=ndcg: these logs have clicked_lists"),
        (["--fraction-a=1"], 2, "between 0 and 1"),
        (["--fraction-a=half"], 2, "must be a number between 0 and 1 (got half)"),
        (["--minimum-effect=much"], 2, "write a difference of the metric"),
        (["--minimum-effect=0"], 2, "write a difference of the metric"),
        (["--within=5"], 2, "--within 5: write a whole number and h, d or w"),
    ],
)
def test_options_that_cannot_be_used(
    options: list[str], code: int, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    random = np.random.default_rng(5)
    logs = [str(write_lists(tmp_path / f"{p}.jsonl", *group(120, 0.2, random), p)) for p in "ab"]
    assert main(["ab", *logs, *options]) == code
    assert message in capsys.readouterr().err


def test_a_whole_last_line_counts_also_without_its_end_and_users_may_be_numbers(tmp_path: Path) -> None:
    log = tmp_path / "a.jsonl"
    log.write_text('{"user": 7, "items": [1], "time": 5}\n{"user": "8", "items": ["1"]}\n{"user": 7, "item": 1}')
    found = read_outcomes(log, 100)
    assert found.users == ["7", "8"] and found.counts.tolist() == [[1, 1, 1], [1, 0, 0]]


@pytest.mark.parametrize(
    "content", ["user,outcome\nÜ,1\n".encode("latin-1"), b"user,outcome\n" + b"u" * 200_000 + b",1\n"]
)
def test_a_file_that_is_no_table(tmp_path: Path, content: bytes) -> None:
    log = tmp_path / "a.csv"
    log.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.csv: it cannot be read as a table in UTF-8"):
        read_outcomes(log, 100)


def test_no_percent_of_nothing(tmp_path: Path) -> None:
    a, b = (write_lists(tmp_path / f"{p}.jsonl", np.zeros(3), np.ones(3), p) for p in "ab")
    with pytest.raises(UsageError, match="the value of A is 0"):
        compare_groups(TrialOptions(a, b, minimum_effect="5%"))


def test_a_directory_without_logs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ab", str(tmp_path), str(tmp_path)]) == 3
    assert "no recommendations-*.jsonl in it" in capsys.readouterr().err
    assert main(["ab", str(tmp_path / "no.jsonl"), str(tmp_path)]) == 3
    assert "no such file" in capsys.readouterr().err
