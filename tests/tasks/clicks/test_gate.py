import numpy as np
import pytest

from recbole_ext.tasks.clicks.gate import gate_statistics, is_dead


def test_statistics_by_hand() -> None:
    gate = np.array([0.5, 0.5, 1.0, 0.0])
    found = gate_statistics(gate, np.array([0, 4, 5, 500]))
    assert found["gate_static_mean"] == found["gate_static_median"] == 0.5
    assert found["gate_static_std"] == pytest.approx(0.125**0.5)
    assert (found["gate_static_min"], found["gate_static_max"]) == (0.0, 1.0)
    assert found["gate_static_entropy"] == pytest.approx(0.5)
    buckets = {name: value for name, value in found.items() if "events" in name}
    assert buckets == {f"gate_static_events_{first}": v for first, v in ((0, 0.5), (1, 0.5), (5, 1.0), (100, 0.0))}


@pytest.mark.parametrize(
    ("gate", "dead"), [([0.3, 0.7], False), ([0.4, 0.405], True), ([0.0, 0.03], True), ([0.97, 1.0], True)]
)
def test_a_gate_that_weighs_all_rows_alike_or_shuts_a_branch_out_is_dead(gate: list[float], dead: bool) -> None:
    assert is_dead(gate_statistics(np.array(gate), np.array([1, 1]))) == dead
