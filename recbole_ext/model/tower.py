"""A tower of layers, as the networks of rating models use it."""

from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from recbole_ext.model.dropout import Dropout


def tower(widths: Sequence[int], dropout: float) -> nn.Sequential:
    """(B, widths[0]) -> (B, widths[-1]); Linear, BatchNorm, ReLU and Dropout between each two widths."""
    layers: list[nn.Module] = []
    for width, following in pairwise(widths):
        layers += [nn.Linear(width, following), nn.BatchNorm1d(following), nn.ReLU(), Dropout(dropout)]
    return nn.Sequential(*layers)
