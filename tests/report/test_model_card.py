import json
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


def test_nothing_of_a_run_from_elsewhere_is_markup(make_run: Callable[..., Path]) -> None:
    """Keys and values of its files come from whoever wrote the run; a viewer renders the card."""
    folder, evil = make_run(), "[x](javascript:alert(1)) <img src=x onerror=alert(1)> `a` ![b](http://h/i.png)"
    result = json.loads((folder / "result.json").read_text())
    result["protocol"] |= {evil: evil, "data_sha256": {evil: evil}}
    result["test"] = {f"{evil}|": 0.5}
    (folder / "result.json").write_text(json.dumps(result))
    record = read_record(folder)
    record.config.update(model=evil, learner=evil, dataset=f"# {evil}")
    card = model_card(record, [Finding("x", evil, [], "more")])
    outside_of_code = "\n".join(line for line in card.splitlines() if not line.startswith("    "))
    assert "](" not in outside_of_code.replace("\\](", "") and "<img" not in outside_of_code
    assert (
        outside_of_code.count("`") == 2 + outside_of_code.count("\\`") + 4
    )  # two of ours: a file, two more in the end
