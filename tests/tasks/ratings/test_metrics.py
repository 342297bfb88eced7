import numpy as np
import pytest

from recbole_ext.tasks.ratings.metrics import Predictions, errors, ranking, rating_report, report_lines


def test_errors_by_hand() -> None:
    found = errors(np.array([1.0, 2, 3, 4]), np.array([1.0, 3, 3, 2]))
    assert found["mse"] == 1.25 and found["rmse"] == pytest.approx(1.25**0.5) and found["mae"] == 0.75
    assert found["r2"] == pytest.approx(0.0) and found["n"] == 4
    assert found["correlation"] == pytest.approx(np.corrcoef([1, 2, 3, 4], [1, 3, 3, 2])[0, 1])


def test_a_constant_prediction_has_no_correlation() -> None:
    assert errors(np.array([1.0, 2]), np.array([1.5, 1.5]))["correlation"] == 0


def test_the_report_tells_stars_groups_clipping_and_rounding() -> None:
    found = Predictions(
        user=np.array([1, 1, 2, 3]),
        item=np.array([1, 2, 1, 2]),
        truth=np.array([5.0, 1, 5, 3]),
        predicted=np.array([6.0, 1.4, 4.0, 3.4]),
        scale=(1.0, 5.0),
    )
    report = rating_report(found, np.array([0, 9, 3, 0]), np.array([0, 5, 0]), relevant=4)
    assert report["clipped"] == 0.25
    assert report["all"]["mse"] == pytest.approx((0 + 0.16 + 1 + 0.16) / 4)
    assert report["rounded"]["mse"] == pytest.approx(1 / 4)
    assert report["by_star"]["5"] == {"n": 2, "rmse": pytest.approx(0.5**0.5), "bias": pytest.approx(-0.5)}
    counts = {name: of["n"] for name, of in report["groups"].items()}
    assert counts == {"new users": 1, "warm users": 2, "cold users": 1, "new items": 2, "warm items": 2}
    text = "\n".join(report_lines(report))
    assert "clipped to the scale: 25.00%" in text and "new users 0.4000 (1)" in text


def test_ranking_by_hand_in_any_order_of_rows() -> None:
    user = np.array([1, 1, 1, 2])
    truth, predicted = np.array([5.0, 3, 1, 5]), np.array([2.0, 4, 1, 3])
    gains = 2 ** truth[:3] - 1
    ndcg = (gains[1] + gains[0] / np.log2(3) + gains[2] / 2) / (gains[0] + gains[1] / np.log2(3) + gains[2] / 2)
    for order in (np.arange(4), np.array([3, 1, 0, 2])):
        found = ranking(user[order], truth[order], predicted[order], relevant=4, scale=(1, 5))
        assert found == {"precision@10": pytest.approx(1 / 3), "ndcg@10": pytest.approx(ndcg)}


def test_users_with_one_tested_item_have_no_ranking() -> None:
    assert ranking(np.array([1, 2]), np.array([5.0, 1]), np.array([1.0, 2]), 4, (1, 5)) == {}


@pytest.mark.parametrize("scale", [(-10.0, 10.0), (0.0, 5000.0), (-3.0, -1.0), (2.0, 2.0)], ids=str)
def test_ndcg_is_within_0_and_1_on_every_scale(scale: tuple[float, float]) -> None:
    rng = np.random.default_rng(0)
    user, truth = np.repeat(np.arange(5), 6), rng.uniform(*scale, 30)
    truth[:6] = scale[0]
    found = ranking(user, truth, rng.permutation(truth), 4, scale)["ndcg@10"]
    best = ranking(user, truth, truth, 4, scale)["ndcg@10"]
    assert 0 <= found <= best <= 1
    if scale[0] < scale[1]:
        assert found < best == pytest.approx(0.8)  # the user whose ratings are all the lowest has no gain


def test_scales_of_one_form_have_one_ndcg() -> None:
    user, truth, predicted = np.zeros(4, int), np.array([-10.0, 0, 10, 4]), np.array([3.0, 1, 2, 4])
    shifted = ranking(user, truth * 100 + 7, predicted, 4, (-993, 1007))
    assert shifted["ndcg@10"] == pytest.approx(ranking(user, truth, predicted, 4, (-10, 10))["ndcg@10"])
