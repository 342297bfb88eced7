"""Counts by hand. Training events (the last two of each user are validation and test targets):

    a: p q p r | s t      b: q p r | p s      c: p q | r t

Training targets and first items: p 4, q 3, r 2. Transitions: p->q 2, p->r 2, q->p 2.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recbole_ext.config.config import Config
from recbole_ext.pipeline.build import build_trainer
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.tasks.ranking.evaluation.baselines import BASELINES, CountBaseline, baselines_of, returning

HISTORIES = {"a": "pqprst", "b": "qprps", "c": "pqrt"}
ROWS = [(user, item, 10 * k) for user, items in HISTORIES.items() for k, item in enumerate(items)]
POPULARITY = {"p": 4, "q": 3, "r": 2}
TRANSITIONS = {"p": {"q": 2, "r": 2}, "q": {"p": 2}}


@pytest.fixture
def counted(make_config: Callable[..., Config], tmp_path: Path, write: Callable[..., Path]) -> Callable[..., Any]:
    """A baseline by name, with its loaders and a trainer, from shuffled rows."""

    def make(name: str, **given: Any) -> tuple[Any, Any, Any]:
        rows = [ROWS[k] for k in np.random.default_rng(3).permutation(len(ROWS))]
        sizes = {"topk": [1, 2], "valid_metric": "NDCG@2", "hidden_size": 8, "d_state": 2}
        config = make_config("Mamba4Rec", write(tmp_path, "made", rows), **{**sizes, **given})
        loaders = build_loaders(config, create_dataset(config))
        trainer = build_trainer(config, loaders)
        return BASELINES[name](loaders.train._dataset, config), loaders, trainer

    return make


def scores_by_name(scorer: Any, loader: Any) -> dict[str, dict[str, float]]:
    """user -> item -> score, for the loader's rows."""
    tokens, users = loader._dataset.field2id_token["item_id"], loader._dataset.field2id_token["user_id"]
    found = {}
    for rows, *_ in loader:
        for user, scores in zip(rows["user_id"], scorer.full_sort_predict(rows), strict=True):
            found[users[user]] = {str(token): float(s) for token, s in zip(tokens, scores, strict=True)}
    return found


def test_popularity_counts_training_events_alone(counted: Callable[..., Any]) -> None:
    scorer, loaders, _ = counted("popularity")
    for scores in scores_by_name(scorer, loaders.test).values():
        assert scores == {"[PAD]": 0, "p": 4, "q": 3, "r": 2, "s": 0, "t": 0}


def test_markov_counts_what_followed(counted: Callable[..., Any]) -> None:
    scorer, loaders, _ = counted("markov")
    found = scores_by_name(scorer, loaders.valid)
    last = {"a": "r", "b": "r", "c": "q"}
    for user, item in last.items():
        expected = {i: TRANSITIONS.get(item, {}).get(i, 0) + POPULARITY.get(i, 0) / 5 for i in "pqrst"}
        assert {i: found[user][i] for i in "pqrst"} == pytest.approx(expected)


def test_skip_markov_adds_earlier_events_with_decay(counted: Callable[..., Any]) -> None:
    scorer, loaders, _ = counted("skip_markov")
    found = scores_by_name(scorer, loaders.valid)
    # pairs k events apart in training: p: q d, p d2, r d + d3 (a); r d (b); q d (c). q: p d, r d2 (a); p d, r d2 (b).
    d = 0.8
    of_p = {"q": 2 * d, "p": d**2, "r": d + d**3 + d}
    of_q = {"p": 2 * d, "r": 2 * d**2}
    share = {name: {i: v / sum(row.values()) for i, v in row.items()} for name, row in (("p", of_p), ("q", of_q))}
    expected = {i: d * share["q"].get(i, 0) + d**2 * share["p"].get(i, 0) for i in "pqrst"}  # c: p q
    assert {i: found["c"][i] for i in "pqrst"} == pytest.approx(expected, abs=1e-5)


def test_personal_popularity_counts_the_history(counted: Callable[..., Any]) -> None:
    scorer, loaders, _ = counted("personal_popularity")
    found = scores_by_name(scorer, loaders.valid)
    # histories: a p q p r; b q p r; c p q
    assert found["a"] == pytest.approx({"[PAD]": 0, "p": 2.8, "q": 1.6, "r": 1.4, "s": 0, "t": 0})
    assert found["c"] == pytest.approx({"[PAD]": 0, "p": 1.8, "q": 1.6, "r": 0.4, "s": 0, "t": 0})


def test_it_is_a_baseline_where_people_come_back(counted: Callable[..., Any]) -> None:
    scorer, loaders, _ = counted("popularity", filter_seen_items=False)
    train, config = loaders.train._dataset, scorer.train.config
    assert returning(train, config) == pytest.approx(1 / 6)  # the second p of a, of q p r | p r | q
    assert "personal_popularity" in baselines_of(config, loaders)
    _, filtered, _ = counted("popularity", filter_seen_items=True)
    assert "personal_popularity" not in baselines_of(filtered.train._dataset.config, filtered)
    _, asked, _ = counted("popularity", filter_seen_items=True, baselines=["personal_popularity"])
    assert "personal_popularity" in baselines_of(asked.train._dataset.config, asked)


def test_the_scores_of_one_item_are_those_of_the_ranking(counted: Callable[..., Any]) -> None:
    for name in BASELINES:
        scorer, loaders, _ = counted(name)
        rows, *_ = next(iter(loaders.test))
        assert (
            scorer.predict(rows).tolist() == scorer.full_sort_predict(rows)[range(len(rows)), rows["item_id"]].tolist()
        )


def test_metrics_equal_a_count_by_hand(counted: Callable[..., Any]) -> None:
    scorer, loaders, trainer = counted("popularity", filter_seen_items=False, metrics=["Hit", "NDCG", "MRR", "Recall"])
    found = trainer.evaluator.with_model(scorer).evaluate(loaders.valid).metrics
    # targets: a s (score 0: rank 4 or 5), b p (rank 1), c r (rank 3)
    assert found == pytest.approx(
        {
            "hit@1": 1 / 3,
            "hit@2": 1 / 3,
            "ndcg@1": 1 / 3,
            "ndcg@2": 1 / 3,
            "mrr@1": 1 / 3,
            "mrr@2": 1 / 3,
            "recall@1": 1 / 3,
            "recall@2": 1 / 3,
        },
        abs=1e-4,
    )


def test_metrics_at_lower_ranks(counted: Callable[..., Any]) -> None:
    scorer, loaders, trainer = counted("popularity", filter_seen_items=False, topk=[3], valid_metric="NDCG@3")
    found = trainer.evaluator.with_model(scorer).evaluate(loaders.valid).metrics
    assert found == pytest.approx(
        {"hit@3": 2 / 3, "ndcg@3": (1 + 1 / np.log2(4)) / 3, "mrr@3": (1 + 1 / 3) / 3, "recall@3": 2 / 3}, abs=1e-4
    )


def test_seen_items_are_no_candidates_where_the_filter_is_on(counted: Callable[..., Any]) -> None:
    scorer, loaders, trainer = counted("popularity", filter_seen_items=True)
    # valid: a has seen p q r: s ties with t; b has seen q p r, its target p is gone; c has seen p q: r is first
    found = trainer.evaluator.with_model(scorer).evaluate(loaders.valid).metrics
    assert found["hit@2"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["hit@1"] in (pytest.approx(1 / 3, abs=1e-4), pytest.approx(2 / 3, abs=1e-4))


@pytest.fixture
def sessions(make_config: Callable[..., Config], tmp_path: Path) -> Any:
    """Loaders and configuration of histories that are written out in the files: q follows p twice, r once."""
    rows = {
        "train": [("1", "p", "q"), ("2", "r p", "q"), ("3", "p r", "s"), ("4", "q p", "r"), ("5", "s", "p")],
        "valid": [("6", "p", "q")],
        "test": [("7", "q p", "q"), ("8", "s p", "r")],
    }
    (tmp_path / "sess").mkdir()
    for part, lines in rows.items():
        text = ["session_id:token\titem_id_list:token_seq\titem_id:token", *("\t".join(line) for line in lines)]
        (tmp_path / "sess" / f"sess.{part}.inter").write_text("\n".join(text) + "\n")
    config = make_config(
        "NARM", tmp_path, "sess", USER_ID_FIELD="session_id", alias_of_item_id=["item_id_list"], load_col=None,
        benchmark_filename=list(rows), topk=[1, 2], valid_metric="Hit@1", metrics=["Hit"], hidden_size=4,
    )  # fmt: skip
    return config, build_loaders(config, create_dataset(config))


def test_histories_in_the_files_are_counted(sessions: Any) -> None:
    config, loaders = sessions
    train = loaders.train._dataset
    assert returning(train, config) == 0
    scorer = BASELINES["markov"](train, config)
    tokens = [str(token) for token in train.field2id_token["item_id"]]
    popularity = {"q": 2, "s": 1, "r": 1, "p": 1}
    follows = {("p", "q"): 2, ("p", "r"): 1, ("r", "s"): 1, ("s", "p"): 1}
    for rows, *_ in loaders.test:
        for scores in scorer.full_sort_predict(rows):
            expected = [follows.get(("p", item), 0) + popularity.get(item, 0) / 3 for item in tokens]
            assert scores.tolist() == pytest.approx(expected)
    two_before = {(tokens[a], tokens[b]) for a, b in zip(*scorer.pairs(2), strict=True)}
    assert two_before == {("r", "q"), ("p", "s"), ("q", "r")}


def test_items_of_the_list_are_no_candidates(sessions: Any) -> None:
    config, loaders = sessions
    trainer = build_trainer(config, loaders)
    evaluator = trainer.evaluator.with_model(BASELINES["markov"](loaders.train._dataset, config))
    found = evaluator.evaluate(loaders.test, "test").metrics
    assert found == {"hit@1": 0.0, "hit@2": 0.5}  # of session 7 q was seen; of 8 q is before r
    assert evaluator.candidates["test"]["targets_not_candidates"] == 1


def test_a_scorer_must_score() -> None:
    with pytest.raises(NotImplementedError, match="CountBaseline must define full_sort_predict"):
        CountBaseline.__new__(CountBaseline).full_sort_predict(None)
