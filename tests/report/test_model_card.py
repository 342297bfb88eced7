from collections.abc import Callable
from pathlib import Path

from recbole_ext.diagnosis.finding import Finding
from recbole_ext.report.model_card import model_card
from recbole_ext.report.record import read_record


def test_the_card_says_what_the_model_is_for_and_how_good_it_is(make_run: Callable[..., Path]) -> None:
    card = model_card(read_record(make_run()), [Finding("x", "1 seed: no conclusion", [], "more", limit=True)])
    assert "# SS4Rec on ml-100k" in card and "- Trainable parameters: 198,432" in card
    assert "| SS4Rec | 0.1500 | 0.0800 |" in card and "| skip_markov | 0.1900 | 0.1100 |" in card
    assert f"- sha256 of ml-100k.inter: {'ab' * 32}" in card and "- 1 seed: no conclusion" in card
    assert "    python run_recbole_ext.py --model=SS4Rec" in card and "cannot be ranked" in card


def test_a_card_without_a_result_says_so(make_run: Callable[..., Path]) -> None:
    card = model_card(read_record(make_run(result=None)), [])
    assert (
        "**This run has not finished. There is no test result.**" in card and "None: there is no test result." in card
    )
