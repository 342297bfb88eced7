import pytest
import torch

from recbole_ext.model.layers.batch_sums import groups_in_batch

OWNER, MEMBER = torch.tensor([3, 3, 3, 1, 2, 2]), torch.tensor([1, 2, 4, 2, 4, 1])
COUNT = torch.tensor([0, 1, 2, 3]).float()


@pytest.mark.parametrize("weighed", [True, False])
def test_sums_are_over_the_owners_other_rows_and_so_is_the_gradient(weighed: bool) -> None:
    torch.manual_seed(0)
    weight = torch.randn(6, 1, dtype=torch.float64) if weighed else None
    vectors = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    groups = groups_in_batch(OWNER, COUNT)
    assert groups is not None
    rows = vectors[MEMBER] * (1 if weight is None else weight)
    others = (OWNER.unsqueeze(0) == OWNER.unsqueeze(1)) & ~torch.eye(6, dtype=torch.bool)
    found, wanted = groups.sums(vectors, MEMBER, weight), others.double() @ rows
    torch.testing.assert_close(found, wanted)
    pull = torch.randn_like(wanted)
    first, second = (
        torch.autograd.grad((each * pull).sum(), vectors, retain_graph=True)[0] for each in (found, wanted)
    )
    torch.testing.assert_close(first, second)


def test_joint_sums_are_those_of_both_parts_and_so_are_the_gradients() -> None:
    torch.manual_seed(1)
    weight = torch.randn(6, 1, dtype=torch.float64)
    tables = [torch.randn(5, 3, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    groups = groups_in_batch(OWNER, COUNT)
    assert groups is not None
    found = groups.joint_sums(*tables, MEMBER, weight)
    wanted = groups.sums(tables[0], MEMBER, None) + groups.sums(tables[1], MEMBER, weight)
    torch.testing.assert_close(found, wanted)
    pull = torch.randn_like(wanted)
    for each in zip(*(torch.autograd.grad((x * pull).sum(), tables) for x in (found, wanted)), strict=True):
        torch.testing.assert_close(*each)


def test_groups_that_are_split_or_not_whole_are_none() -> None:
    assert groups_in_batch(OWNER[[0, 3, 1, 2, 4, 5]], COUNT) is None
    assert groups_in_batch(OWNER[1:], COUNT) is None
