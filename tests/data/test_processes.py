from typing import Any

import pytest
import torch
from recbole.data.interaction import Interaction

from recbole_ext.data.processes import divided, own_rows
from recbole_ext.devices import Placement


class Config:
    """As much of a configuration as is asked for."""

    def __init__(self, rank: int, size: int) -> None:
        self.placement = Placement(torch.device("cpu"), rank, rank, size)


class Ours:
    """A loader that writes out rows; row i holds i targets."""

    def __init__(self, config: Any) -> None:
        self.config = config

    def count_targets(self, rows: torch.Tensor) -> int:
        return int(rows.sum())

    def batch(self, rows: torch.Tensor) -> Interaction:
        return Interaction({"row": rows})

    def batch_rows(self) -> Any:
        return (torch.arange(1, 6), torch.tensor([7]))


class Theirs:
    """A loader that is its own iterator and knows no rows, as one of RecBole's is."""

    def __init__(self, config: Any) -> None:
        self.config, self.left = config, [torch.arange(1, 6), torch.tensor([7])]

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Interaction:
        if not self.left:
            raise StopIteration
        return Interaction({"row": self.left.pop(0)})


@pytest.mark.parametrize("size", [2, 3, 7])
def test_the_parts_are_the_whole(size: int) -> None:
    for count in (1, 5, 100):
        slices = [own_rows(count, Placement(torch.device("cpu"), rank, rank, size)) for rank in range(size)]
        assert [row for part in slices for row in range(count)[part]] == list(range(count))


def test_a_single_process_keeps_its_loader() -> None:
    config: Any = Config(0, 1)
    loader = Ours(config)
    assert divided(loader, config) is loader


def test_the_weighed_parts_have_the_mean_of_the_batch() -> None:
    """The loss is a mean over targets: sum of i * i over sum of i; the last batch has a row for one process alone."""
    seen: list[list[float]] = []
    for rank in range(2):
        config: Any = Config(rank, 2)
        seen.append([])
        for batch in divided(Ours(config), config):
            rows = batch["row"].double()
            seen[-1].append(batch.share * float((rows * rows).sum() / rows.sum()))
    means = [(a + b) / 2 for a, b in zip(*seen, strict=True)]
    assert means == pytest.approx([55 / 15, 7.0])


def test_loaders_of_recbole_are_divided_after_their_batch_is_drawn() -> None:
    rows, shares = [], []
    for rank in range(2):
        config: Any = Config(rank, 2)
        batches = list(divided(Theirs(config), config))
        rows.append([batch["row"].tolist() for batch in batches])
        shares.append([batch.share for batch in batches])
    assert rows == [[[1, 2], [7]], [[3, 4, 5], [7]]]
    assert shares == [[0.8, 0.0], [1.2, 2.0]]
