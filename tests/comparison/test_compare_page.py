"""The page of a comparison: best first, short names with links, intervals, curves, and only settings that differ."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recbole_ext.comparison.compare import compare
from recbole_ext.comparison.entries import Entry
from recbole_ext.comparison.page import page, short_names
from tests.written_runs import N_USERS

Make = Callable[..., Path]
NAMES = (
    "SASRec-ml-100k-20260101T000000Z-ab12",
    "SASRec-ml-100k-20260101T000000Z-cd34",
    "GRU4Rec-x-20260101T000000Z-0123",
)


def hits(share: float, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random(N_USERS) < share


@pytest.fixture
def runs(finished_run: Make) -> list[Path]:
    """Three runs, the last one the best, with curves; the second has a report."""
    made = []
    for place, name in enumerate(NAMES):
        settings = {"learning_rate": 0.001 * (place + 1), "eval_args": {"mode": {"valid": "full"}}, "topk": [10]}
        folder = finished_run(name, hits(0.2 + 0.2 * place, place), settings=settings)
        rows = "".join(f"{e},{0.1 * e * (place + 1)}\n" for e in range(1, 5))
        (folder / "metrics.csv").write_text(f"epoch,hit@10\n{rows}")
        made.append(folder)
    (made[1] / "report.html").write_text("x")
    return made


def html_of(runs: list[Path], **given: Any) -> str:
    found = compare([str(run) for run in runs], **given)
    return page(found, "compare a b", runs[0].parent / "comparison.html").html()


def table_after(html: str, heading: str) -> str:
    return html.partition(heading)[2].partition("</table>")[0]


def test_the_best_is_first_and_names_are_short_and_lead_to_their_pages(runs: list[Path]) -> None:
    html = html_of(runs)
    names = re.findall(r"<tr><td>(.*?)</td>", table_after(html, "hit@10 on test"))
    assert [re.sub("<[^>]+>", "", name) for name in names] == [
        "GRU4Rec",
        "SASRec cd34",
        "SASRec ab12 (reference)",
        "markov",
    ]
    assert f'<a href="{NAMES[1]}/report.html">SASRec cd34</a>' in html
    assert f'href="{NAMES[0]}' not in html  # it left no page
    assert not re.search(r"""href="(?!data:,|SASRec-)""", html)


def test_values_and_differences_have_intervals_and_curves_lie_over_each_other(runs: list[Path]) -> None:
    html = html_of(runs)
    assert "hit@10, 95 % intervals over users" in html and "equal 0" in html
    assert html.count('class="thick') >= 6
    curves = html.partition("Validation hit@10</figcaption>")[2].partition("</figure>")[0]
    assert (
        all(name in curves for name in ("GRU4Rec", "SASRec cd34", "SASRec ab12"))
        and curves.count('<path class="line') == 6
    )


def test_only_settings_that_differ_are_listed_and_nothing_looks_like_python(runs: list[Path]) -> None:
    html = html_of(runs)
    settings = table_after(html, "Settings that differ")
    assert re.findall(r"<tr><td>(.*?)</td>", settings) == ["learning_rate"]
    text = re.sub(r"<style>.*?</style>|<[^>]+>", "", html, flags=re.S)
    assert "{" not in text and "[&#39;" not in text and "LS: valid_and_test by user" in text


def test_what_is_not_comparable_is_apart_with_a_sentence(runs: list[Path], finished_run: Make) -> None:
    other = finished_run("other", hits(0.5, 9), split="{'RS': [0.8, 0.2]} by user")
    html = html_of([*runs, other])
    assert "There are 2 tables" in html and "Table 2" in html
    sentence = re.search(r"<p>Not comparable with table 1: (.*?)</p>", html)
    assert sentence and sentence[1] == "split is RS: [0.8, 0.2] by user and not LS: valid_and_test by user."


def test_seeds_of_one_entry_and_errors(finished_run: Make, tmp_path: Path) -> None:
    folders = [
        [str(finished_run(f"{name}{s}", errors=np.full((N_USERS, 4), by + 0.01 * s), seed=s)) for s in range(3)]
        for name, by in (("a", 1.0), ("b", 0.5))
    ]
    found = compare([",".join(of) for of in folders])
    html = page(found, "x", tmp_path / "page.html").html()
    assert "95 % intervals over seeds" in html and "a0 and 2 more, seed 1" in html
    names = re.findall(r"<tr><td>(.*?)</td>", table_after(html, "rmse on test"))
    assert names == ["b0 and 2 more", "a0 and 2 more (reference)"]  # smaller is better


def test_damaged_curves_and_one_run_leave_a_page(runs: list[Path]) -> None:
    (runs[0] / "metrics.csv").write_bytes(b"\xff\xfe")
    assert "Validation hit@10" in html_of(runs)
    alone = html_of(runs[:1])
    assert "Settings that differ" not in alone and "markov" in alone


def test_names_that_are_no_runs_stay_and_hostile_ones_are_text(finished_run: Make) -> None:
    entries = [Entry(name, []) for name in ("exp", *NAMES, f"{NAMES[0]} and 2 more")]
    assert short_names(entries) == {
        **{"exp": "exp", NAMES[0]: "SASRec ab12", NAMES[1]: "SASRec cd34", NAMES[2]: "GRU4Rec"},
        f"{NAMES[0]} and 2 more": "SASRec ab12 and 2 more",
    }
    evil = finished_run('javascript:alert(1)"<b>', hits(0.5, 1))
    (evil / "report.html").write_text("x")
    html = html_of([evil, finished_run("b", hits(0.4, 2))])
    assert (
        "<b>" not in html.replace("<b class", "") and 'href="javascript%3Aalert%281%29%22%3Cb%3E/report.html"' in html
    )
    assert json.loads((evil / "result.json").read_text())["model"] == "Made"
