from recbole.evaluator import metric_types

from recbole_ext.config.keys.metric_kinds import METRIC_KINDS


def test_the_declared_metrics_are_recboles() -> None:
    assert {name: kind.name.lower() for name, kind in metric_types.items()} == METRIC_KINDS
