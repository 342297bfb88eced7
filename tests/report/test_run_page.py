"""The run page holds, in its order, for every kind of run, and for what no run should be."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.report.record import read_record
from recbole_ext.report.run_page import run_page

GROUP = {"name": "1 to 5", "rows": 12, "users": 4, "value": 0.1, "interval": [0.05, 0.2]}
USER = {
    "user": "<b>u</b>",
    "history": ["i1", "i2"],
    "history_length": 7,
    "list": [{"item": "i3", "target": True}, {"item": "i4", "target": False}],
    "missed": [{"item": "i5", "place": 0}, {"item": "i6", "place": 33}],
    "titles": {"i3": "<script>alert(1)</script>", "i4": "\u202eevil \u05e9\u05dc\u05d5\u05dd", "i1": "x" * 500},
}
LISTS: dict[str, Any] = {
    "hits": {"lists": 4, "within": [1, 2, *[3] * 98]},
    "recommended": {
        **{"k": 10, "items": 5, "items_listed": 4, "mean_popularity": 12.3},
        "classes": [{"name": "head", "items": 1, "recommended": 0.9, "tested": 0.4, "trained": 0.35}],
        "concentration": {"recommended": [[0.0, 0.0], [1.0, 1.0]], "trained": [[0.0, 0.0], [1.0, 1.0]]},
    },
    "groups": {"metric": "ndcg@10", "history": [GROUP], "popularity": [{**GROUP, "name": "head"}]},
    "examples": [USER],
}
STAR = {"true": 4.0, "rows": 9, "mean": 3.9, "q10": 3.0, "q25": 3.5, "q50": 4.0, "q75": 4.2, "q90": 4.8}
VALUES: dict[str, Any] = {
    "stars": [STAR, {**STAR, "true": 5.0}],
    "errors": {"edges": [-1.0, 0.0, 1.0], "rows": [3, 6], "mean": -0.1},
    "examples": [{**USER, "predicted": [{"item": "i3", "true": 4.0, "predicted": 3.5}]} | {"list": []}],
}
del VALUES["examples"][0]["list"], VALUES["examples"][0]["missed"]
BINS = {"rows": [3, 0, 9], "predicted": [0.1, 0.2, 0.8], "observed": [0.0, None, 0.9]}
CLICKS: dict[str, Any] = {"calibration": BINS}


def page_of(folder: Path, analysis: dict[str, Any] | None = None) -> str:
    if analysis is not None:
        (folder / "analysis.json").write_text(json.dumps(analysis))
    return run_page(read_record(folder), []).html()


def headings(html: str) -> list[str]:
    return re.findall(r"<h2>(.*?)</h2>", html.partition("Further records")[0])


def test_what_came_out_is_first_and_records_are_last(make_run: Callable[..., Path]) -> None:
    html = page_of(make_run(), LISTS | VALUES | CLICKS | {"examples": [USER]})
    assert headings(html) == [
        *("Criteria", "Diagnosis", "Model and baselines", "Users and items", "Hits by length of the list"),
        *("What is recommended", "Some users", "Predicted ratings", "Calibration", "Learning curves"),
        "Settings that differ from the default",
    ]
    assert html.index("SS4Rec does not beat") < html.index("<h2>") < html.index("Repeat this run")
    assert html.count("<svg viewBox") > 10 and html.count("<desc>") >= 10


@pytest.mark.parametrize("analysis", [LISTS, VALUES, CLICKS, {}, None], ids=["lists", "values", "clicks", "{}", "none"])
def test_each_kind_has_what_applies_to_it(make_run: Callable[..., Path], analysis: dict[str, Any] | None) -> None:
    html = page_of(make_run(), analysis)
    for key, heading in (("hits", "HR@k"), ("stars", "Predicted against true"), ("calibration", "Calibration")):
        assert (f">{heading}<" in html) == (key in (analysis or {}))
    assert "Model and baselines" in html and "DAMAGED" not in html


def test_users_have_titles_and_targets_are_marked_and_nothing_is_markup(make_run: Callable[..., Path]) -> None:
    html = page_of(make_run(), LISTS)
    assert "<script" not in html and "<b>u</b>" not in html and "\u202e" not in html
    assert re.search(r'<li class="hit"><bdi>&lt;script&gt;alert\(1\)&lt;/script&gt;</bdi> <b>TARGET</b>', html)
    assert "i5 (not among the first 100)" in html and "i6 (place 33)" in html and "the last 2 of 7 read" in html
    assert "x" * 121 not in html


@pytest.mark.parametrize("damage", ['{"format": 9}', "{", '{"hits": 3}', '{"hits": {"lists": 1, "within": ["x"]}}', ""])
def test_a_damaged_analysis_is_named_and_the_rest_is_there(make_run: Callable[..., Path], damage: str) -> None:
    folder = make_run()
    (folder / "analysis.json").write_text(damage)
    html = page_of(folder)
    assert "DAMAGED" in html and "analysis.json" in html and "Model and baselines" in html and "HR@k" not in html


def test_missing_files_leave_a_page_of_the_others(make_run: Callable[..., Path]) -> None:
    folder = make_run()
    for name in ("metrics.csv", "environment.json", "events.jsonl", "command.txt"):
        (folder / name).unlink()
    html = page_of(folder, LISTS)
    assert "Learning curves" not in html and "Model and baselines" in html and "was not recorded" in html
    assert html.count(">MISSING<") == 4 and "metrics.csv, so this page is without learning curves" in html
    (folder / "analysis.json").unlink()
    assert "analysis.json, so this page is without groups" in page_of(folder)
    (folder / "result.json").unlink()
    assert "no test result" in page_of(folder, LISTS) and "HR@k" not in page_of(folder)
    assert "MISSING" not in page_of(folder)


@pytest.mark.parametrize("count", [1, 30])
def test_few_and_many_metrics_with_and_without_numbers(
    make_run: Callable[..., Path], result: dict[str, Any], count: int
) -> None:
    test = {f"metric{i}@10": math.nan if i % 2 else 0.1 * i for i in range(count)} | {"ndcg@10": 0.08}
    spans = {"SS4Rec": {name: [math.nan, math.nan] for name in test} | {"ndcg@10": [0.07, 0.09]}}
    html = page_of(make_run({**result, "test": test, "baselines": {}, "test_intervals": spans, "valid": None}), {})
    assert "No non-learned baseline" in html and f">{number_of_columns(html)}<" != ">0<" and "0.0700" in html


def number_of_columns(html: str) -> int:
    return html.partition("All metrics")[2].partition("</thead>")[0].count("<th")


def test_numbers_that_are_none_are_left_out(make_run: Callable[..., Path]) -> None:
    empty = {**GROUP, "value": None, "interval": None}
    wild = {**GROUP, "value": math.inf, "interval": [math.nan, 1.0]}
    analysis = {**LISTS, "groups": {"metric": "ndcg@10", "history": [empty, wild, GROUP], "popularity": [empty]}}
    analysis["hits"] = {"lists": 0, "within": []}
    html = page_of(make_run(), analysis)
    assert "no finite values" in html and "HR@k" not in html and "nan</text>" not in html


def test_the_best_baseline_is_dashed_in_the_learning_curve(make_run: Callable[..., Path]) -> None:
    html = page_of(make_run(), {})
    curve = html.partition("Validation ndcg@10</figcaption>")[2].partition("</figure>")[0]
    assert "skip_markov on test: 0.11" in curve and 'class="line s5"' in curve and "best 3" in curve


def test_a_sampled_ranking_says_that_it_is_one(make_run: Callable[..., Path], result: dict[str, Any]) -> None:
    protocol = {**result["protocol"], "candidates": "100 uniform"}
    html = page_of(make_run({**result, "protocol": protocol}), LISTS)
    assert "among 100 uniform candidates" in html and "of the sample and not of all items" in html


def leaves(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of all parts of a value, of long lists the first two."""
    parts = value.items() if isinstance(value, dict) else list(enumerate(value))[:2] if isinstance(value, list) else ()
    return [at, *(path for key, part in parts for path in leaves(part, (*at, key)))]


@pytest.mark.slow
def test_whatever_a_part_of_the_analysis_is_there_is_a_page(make_run: Callable[..., Path]) -> None:
    folder, whole = make_run(), LISTS | CLICKS | VALUES | {"examples": [USER, VALUES["examples"][0]]}
    for path in leaves(whole)[1:]:
        for other in (None, math.nan, math.inf, -1, 0, [], "x", {}):
            changed = json.loads(json.dumps(whole))
            parent = changed
            for key in path[:-1]:
                parent = parent[key]
            parent[path[-1]] = other
            html = page_of(folder, changed)
            assert "Model and baselines" in html and ">nan<" not in html.replace("mean nan", ""), (path, other)


def test_other_validation_metrics_are_metrics_alone_and_what_is_cut_is_counted(make_run: Callable[..., Path]) -> None:
    machine = ("memory_mb", "memory_share", "cpu_use", "gpu_use", "first_loss", "grad_norm_growth", "train_valid_gap")
    html = page_of(make_run(columns={name: [0.5] * 6 for name in machine}, name="few"))
    assert ">Validation hit@10<" in html and "cpu_use" not in html and "first_loss" not in html
    many = {name: [0.5] * 6 for name in (*machine, *(f"recall@{k}" for k in range(1, 9)))}
    html = page_of(make_run(columns=many, name="many"))
    assert ">Other validation metrics: the first 8 of 9, all in metrics.csv<" in html
    assert "recall@7" in html and "recall@8" not in html and "memory_mb" not in html
