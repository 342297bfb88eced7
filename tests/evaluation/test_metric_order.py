from recbole_ext.evaluation.metric_order import in_order


def test_metrics_come_by_kind_and_then_by_k() -> None:
    given = ["recall@10", "mrr@10", "ndcg@20", "ndcg@5", "hit@10", "coverage@10", "kl"]
    assert in_order(given) == ["hit@10", "ndcg@5", "ndcg@20", "mrr@10", "recall@10", "coverage@10", "kl"]
    assert in_order(["mae", "rmse"]) == ["rmse", "mae"]
