"""The lists of every ranking model are those that its evaluation ranked, from a run opened without raw data."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import recbole_ext as rx
from recbole_ext.config.config import Config
from recbole_ext.evaluation import collector
from recbole_ext.model_entry import ModelEntry
from recbole_ext.pipeline.train import run
from recbole_ext.registry import models
from recbole_ext.serving.folded_users import folder_of
from recbole_ext.serving.run import Run
from tests.conftest import write_inter
from tests.test_every_model import settings
from tests.test_recbole_models import OF_ITS_OWN

FAST = ("BPR", "FM", "CKE", "EASE", "SASRec", "SS4Rec")
WITH_VECTORS = ("GRU4RecKG", "KSR")
WITH_CHANCE = ("ADMMSLIM", "Random")
"""These add noise to each answer."""
NOT_INSTALLED = ("NCL",)
RANKING = [
    entry if entry.name in FAST else pytest.param(entry, marks=pytest.mark.slow)
    for entry in models().values()
    if entry.family != "exlib" and entry.task == "ranking" and entry.name not in NOT_INSTALLED
]
K = 6


def write_events(root: Path) -> Path:
    """24 users with 8 events each on 15 items, an item column and a graph."""
    rows = [
        (f"u{u}", f"i{(u + k * k + k * (u % 4)) % 15}", 1 + (u + 2 * k) % 5, 1000 * u + 60 * k)
        for u in range(24)
        for k in range(8)
    ]
    write_inter(root, "five", rows, "user_id:token\titem_id:token\trating:float\ttimestamp:float")
    tables = {
        "item": ("item_id:token\tclass:token_seq", [f"i{k}\t{'X Y' if k % 2 else 'Z'}" for k in range(15)]),
        "link": ("item_id:token\tentity_id:token", [f"i{k}\tm{k}" for k in range(15)]),
        "kg": ("head_id:token\trelation_id:token\ttail_id:token", [f"m{k}\tr{k % 2}\tg{k % 4}" for k in range(15)]),
    }
    for suffix, (header, lines) in tables.items():
        (root / "five" / f"five.{suffix}").write_text("\n".join([header, *lines]) + "\n")
    return root


def ranking_settings(entry: ModelEntry) -> dict[str, Any]:
    given = {key: value for key, value in settings(entry, "five").items() if key != "eval_args"}
    order = {"split": {"LS": "valid_and_test"}, "order": "TO", "group_by": "user", "mode": "full"}
    return {**given, "eval_args": order, "topk": [K], "metrics": ["Hit"], "valid_metric": f"Hit@{K}"}


class Ranked:
    """The lists and users of the last evaluation."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.items: list[np.ndarray] = []
        self.users: list[np.ndarray] = []
        original, emptied, note = collector.top_items, collector.UnitCollector.emptied, collector.UnitCollector.note

        def top_items(scores: torch.Tensor, k: int) -> torch.Tensor:
            found = original(scores, k)
            if k == K:  # longer lists are those of the analysis
                self.items.append(found.cpu().numpy())
            return found

        def beginning(own: Any) -> Any:
            self.items, self.users = [], []
            return emptied(own)

        def noted(own: Any, users: torch.Tensor) -> None:
            self.users.append(users.numpy())
            note(own, users)

        patch.setattr(collector, "top_items", top_items)
        patch.setattr(collector.UnitCollector, "emptied", beginning)
        patch.setattr(collector.UnitCollector, "note", noted)

    def lists(self, dataset: Any) -> dict[str, list[str]]:
        """User -> items, in the ids of the data."""
        users, items = dataset.field2id_token["user_id"], dataset.field2id_token["item_id"]
        rows = zip(np.concatenate(self.users), np.concatenate(self.items), strict=True)
        return {str(users[user]): [str(items[item]) for item in row if item >= 0] for user, row in rows}


@pytest.mark.slow
@pytest.mark.parametrize("entry", RANKING, ids=lambda entry: entry.name)
def test_the_lists_of_the_evaluation(
    make_config: Callable[..., Config],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    entry: ModelEntry,
) -> None:
    root, dataset, given = tmp_path / "data", "five", ranking_settings(entry)
    if entry.name in WITH_VECTORS:
        root, dataset = tmp_path / "copy", "ml-100k"
        shutil.copytree(request.getfixturevalue("small_ml_100k"), root)
        given = {**given, **OF_ITS_OWN[entry.name]}
    else:
        write_events(root)
    config = make_config(entry.name, root, dataset, **given)
    assert len(RANKING) == 93
    with monkeypatch.context() as patch:
        ranked = Ranked(patch)
        if entry.name in WITH_CHANCE:
            patch.setattr(torch, "rand", _constant)
        folder = run(config)["run_directory"]
        shutil.rmtree(root)
        opened = rx.load(folder)
        expected = ranked.lists(opened.loaded.train)
        found = opened.recommend(k=K, at="test")
        some = list(expected)[5:2:-1]
        first = opened.recommend(some, k=2, at="test")
        every = opened.recommend(k=5000, at="test")
        tokens = [str(token) for token in opened.loaded.train.field2id_token["item_id"][1:]]
        allowed = opened.recommend(k=5000, at="test", allow=tokens[::2], deny=tokens[:3])
        if folder_of(opened.loaded) is not None:
            assert_folded_in(opened)
    lists = {user: of["item_id"].tolist() for user, of in found.groupby("user_id", sort=False)}
    assert lists == expected and len(lists) >= 10  # of labelled rows only those with label 1
    assert (found.groupby("user_id")["rank"].diff().dropna() == 1).all() and np.isfinite(found["score"]).all()
    assert not found.duplicated(["user_id", "item_id"]).any()
    assert first["item_id"].tolist() == [i for u in some for i in expected[u][:2]]
    assert every.groupby("user_id", sort=False).head(K)["score"].tolist() == found["score"].tolist()
    kept = every[every["item_id"].isin(tokens[4::2])]
    columns = ["user_id", "score", "item_id"]  # equal scores in any order
    assert (
        kept[columns].sort_values(columns).to_numpy().tolist()
        == allowed[columns].sort_values(columns).to_numpy().tolist()
    )
    now = opened.recommend(some, k=3)
    assert now["user_id"].unique().tolist() == some


def assert_folded_in(run: Run) -> None:
    """A new user with the training events of a known one has the scores of that one."""
    part = run.loaded.loaders.parts[0]
    columns = {name: part.id2token(name, part.inter_feat[name]).tolist() for name in ("user_id", "item_id")}
    history = pd.DataFrame(columns).assign(user_id=[f"new {user}" for user in columns["user_id"]])
    known = run.recommend(k=5000, at="valid", remove_seen=False)
    new = run.recommend(k=5000, history=history, remove_seen=False).set_index(["user_id", "item_id"])["score"]
    known = known.assign(user_id="new " + known["user_id"]).set_index(["user_id", "item_id"])["score"]
    assert np.allclose(new.loc[known.index], known, atol=1e-5)
    kept = run.recommend(k=5000, history=history, remove_seen=True)
    assert len(kept) and not kept.merge(history, on=["user_id", "item_id"]).size


def _constant(*size: Any, **given: Any) -> torch.Tensor:
    shape = size[0] if size and isinstance(size[0], tuple | torch.Size) else size
    return torch.linspace(0, 1, int(np.prod(shape))).view(*shape)
