"""KGAT, KGIN and MCCLK: their graph operations against dense references, and what a checkpoint holds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from recbole_ext.config.config import Config
from recbole_ext.pipeline.build import build_trainer
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.runs.checkpoint import load_checkpoint, save_checkpoint
from tests.conftest import write_graph

Built = Callable[..., tuple[Any, Any]]


@pytest.fixture
def built(make_config: Callable[..., Config], tmp_path: Path) -> Built:
    """Loaders and trainer of a model on 6 users, 9 items and a graph of 12 entities."""

    def build(name: str, **given: Any) -> tuple[Any, Any]:
        root = write_graph(tmp_path / "graph")
        ranks = {"topk": [2], "metrics": ["MRR"], "valid_metric": "MRR@2"}
        config = make_config(name, root, "graph", embedding_size=8, train_batch_size=16, **ranks, **given)
        loaders = build_loaders(config, create_dataset(config))
        return loaders, build_trainer(config, loaders)

    return build


def test_kgats_first_attention_is_the_mean_of_each_relation(built: Built) -> None:
    model = built("KGAT")[1].model
    size = model.matrix_size[0]
    expected = torch.zeros(size, size)
    for relation in range(1, model.n_relations):
        counts = torch.zeros(size, size)
        for head, tail, kind in zip(model.all_hs, model.all_ts, model.all_rs, strict=True):
            counts[head, tail] += kind == relation
        expected += counts / counts.sum(1, keepdim=True).clamp(min=1)
    torch.testing.assert_close(model.A_in.to_dense(), expected)


def test_kgats_attention_after_an_epoch_is_a_softmax_over_each_nodes_edges(built: Built) -> None:
    model = built("KGAT")[1].model
    with torch.no_grad():
        model.update_attentive_A()
    scores = model.generate_transE_score(model.all_hs[:1], model.all_ts[:1], int(model.all_rs[0]))
    assert torch.isfinite(scores).all()
    sums = model.A_in.to_dense().sum(1)
    with_edges = torch.bincount(model.all_hs, minlength=len(sums)) > 0
    torch.testing.assert_close(sums, with_edges.float())


@pytest.mark.parametrize("name", ["KGIN", "MCCLK"])
def test_aggregation_equals_a_loop_over_edges(built: Built, name: str) -> None:
    model = built(name)[1].model
    layer, relations = model.gcn.convs[0], model.gcn.relation_embedding.weight
    entities, users = model.entity_embedding.weight, model.user_embedding.weight
    edges = [(int(h), int(t), int(r)) for (h, t), r in zip(model.edge_index.T, model.edge_type, strict=True)]
    expected = torch.zeros_like(entities)
    for node in range(len(entities)):
        own = [(t, r) for h, t, r in edges if h == node]
        messages = [entities[t] * relations[r] for t, r in own]
        if name == "MCCLK" and own:
            norms = [(entities[node] * relations[r]).norm() * (entities[t] * relations[r]).norm() for t, r in own]
            weights = torch.softmax(torch.stack(norms) ** 2, 0)
            messages = [w * m for w, m in zip(weights, messages, strict=True)]
        expected[node] = sum(messages) / max(1, len(own)) if own else 0.0
    if name == "KGIN":
        more = model.interact_mat, model.gcn.disen_weight_att
        found = layer(
            entities, users, model.latent_embedding.weight, relations, model.edge_index, model.edge_type, *more
        )
    else:
        found = layer(entities, users, relations, model.edge_index, model.edge_type, model.inter_matrix)
    torch.testing.assert_close(found[0], expected)
    assert found[1].shape == users.shape


def test_mcclks_graph_of_nearest_items_is_the_dense_one(built: Built) -> None:
    gcn = built("MCCLK")[1].model.gcn
    context = torch.randn(7, 4, generator=torch.Generator().manual_seed(0))
    similarity = torch.nn.functional.cosine_similarity(context.unsqueeze(0), context.unsqueeze(1), dim=-1)
    kept = similarity >= similarity.topk(3).values[:, -1:]
    weights = (similarity * kept).clamp(min=0)
    scale = weights.sum(1).rsqrt()
    torch.testing.assert_close(gcn.build_adj(context, 3).to_dense(), scale.unsqueeze(1) * weights * scale)
    assert torch.isfinite(gcn.build_adj(context, 50).to_dense()).all()  # more than there are entities


@pytest.mark.parametrize("name", ["KGAT", "KGIN", "MCCLK"])
def test_the_best_weights_answer_with_their_own_graph(built: Built, name: str, tmp_path: Path) -> None:
    loaders, trainer = built(name, epochs=3)
    batch = next(iter(loaders.test))[0]
    trainer.train_epoch(loaders.train, 0)
    model = trainer.model.eval()
    scores = model.full_sort_predict(batch)
    save_checkpoint(tmp_path, "best", model, {"epoch": 0})
    trainer.train_epoch(loaders.train, 1)
    assert not torch.equal(model.eval().full_sort_predict(batch), scores)
    for other in (model, built(name, seed=7)[1].model.eval()):
        load_checkpoint(tmp_path, "best", other, torch.device("cpu"))
        assert torch.equal(other.full_sort_predict(batch), scores)


@pytest.mark.parametrize("name", ["KGIN", "MCCLK"])
def test_no_edge_is_dropped_in_evaluation(built: Built, name: str) -> None:
    loaders, trainer = built(name)
    model, batch = trainer.model.eval(), next(iter(loaders.test))[0]
    rows = batch.__class__({"user_id": batch["user_id"], "item_id": torch.ones_like(batch["user_id"])})
    assert torch.equal(model.predict(rows), model.predict(rows))
    torch.testing.assert_close(model.predict(rows), model.full_sort_predict(batch).view(len(rows), -1)[:, 1])
    model.train()
    assert model.gcn.node_dropout_rate == trainer.config["node_dropout_rate"] > 0
