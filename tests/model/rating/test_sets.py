import numpy as np
import torch

from recbole_ext.model.rating.sets import Members, RowSide, SparseMatrix, build_side, smoothed_mean, sums_of_others

USER = np.array([1, 1, 1, 2, 2, 3])
ITEM = np.array([1, 2, 3, 1, 3, 2])
RATING = np.array([1.0, -1.0, 0.5, 2.0, 0.0, -2.0])


def test_a_product_and_its_gradient_are_those_of_the_dense_matrix() -> None:
    matrix = SparseMatrix(USER, ITEM, RATING, (4, 4))
    dense = torch.zeros(4, 4)
    dense[USER, ITEM] = torch.tensor(RATING).float()
    inputs = [torch.randn(4, 3, requires_grad=True)]
    inputs.append(inputs[0].detach().clone().requires_grad_())
    outputs = matrix(inputs[0]), dense @ inputs[1]
    torch.testing.assert_close(*outputs)
    for output in outputs:
        output.square().sum().backward()
    torch.testing.assert_close(inputs[0].grad, inputs[1].grad)


def test_sums_leave_out_the_own_rating_and_count_the_others() -> None:
    side = build_side(USER, ITEM, RATING, 4, 4)
    vectors, spread = torch.randn(4, 2), torch.rand(4, 2)
    row = torch.tensor([1, 5])
    members = Members((vectors, spread), (vectors, spread), (vectors, 2 * vectors))
    found = sums_of_others(side, torch.tensor(USER[row]), torch.tensor(ITEM[row]), row, members)
    deviation = side.deviation
    torch.testing.assert_close(found.implicit[0], (vectors[1] + vectors[3]) / 2**0.5)
    torch.testing.assert_close(found.valued[0], (deviation[0] * vectors[1] + deviation[2] * vectors[3]) / 2**0.5)
    torch.testing.assert_close(found.implicit_variance[0], (spread[1] + spread[3]) / 2)  # type: ignore[index]
    wanted = (deviation[0] ** 2 * spread[1] + deviation[2] ** 2 * spread[3]) / 2
    torch.testing.assert_close(found.valued_variance[0], wanted)  # type: ignore[index]
    torch.testing.assert_close(found.hidden[0], found.implicit[0] + 2 * found.valued[0])
    assert found.count.tolist() == [2, 0] and not found.implicit[1].any()


def test_a_pair_that_is_no_training_rating_sees_all() -> None:
    side = build_side(USER, ITEM, RATING, 4, 4)
    vectors = torch.randn(4, 2)
    members = Members((vectors, None), (vectors, None), (vectors, vectors))
    found = sums_of_others(side, torch.tensor([1]), torch.tensor([2]), None, members)
    torch.testing.assert_close(found.implicit[0], vectors[1:].sum(0) / 3**0.5)
    assert found.implicit_variance is None


def test_means_are_drawn_to_the_mean_of_all() -> None:
    assert smoothed_mean(np.array([1, 1, 2]), np.array([1.0, 1.0, 4.0]), 4, strength=2.0).tolist() == [2, 1.5, 8 / 3, 2]


def test_sums_by_rows_are_those_by_matrices_forward_and_backward() -> None:
    sides = build_side(USER, ITEM, RATING, 4, 4), RowSide(USER, ITEM, RATING, 4)
    owner, member, row = torch.from_numpy(USER[[5, 1, 0]]), torch.from_numpy(ITEM[[5, 1, 0]]), torch.tensor([5, 1, 0])
    start = torch.randn(6, 4, 2)
    for known in (row, None):
        tables = [start.clone().requires_grad_() for _ in sides]
        found = [
            sums_of_others(side, owner, member, known, Members((t[0], t[1].exp()), (t[2], t[3].exp()), (t[4], t[5])))
            for side, t in zip(sides, tables, strict=True)
        ]
        for name in ("implicit", "valued", "implicit_variance", "valued_variance", "hidden", "count"):
            torch.testing.assert_close(*(getattr(each, name) for each in found))
        for each in found:
            (each.hidden.square().sum() + each.valued.sum() + each.valued_variance.sum()).backward()  # type: ignore[union-attr]
        torch.testing.assert_close(tables[0].grad, tables[1].grad)
