"""What is known of an event beside its item and its time: the kind of action, a rating.

    u_k = E[item_k] + ... + sum over fields f of B_f[value_fk], or z_fk w_f for a number

z is the number less the mean of training, divided by its deviation, at most 5 from 0. An unknown token (0) and an
unknown number (NaN) add nothing. Fields of the target are not read: they are known only after it.
"""

from typing import Any

import torch
from recbole.utils import FeatureType
from torch import Tensor, nn

from recbole_ext.errors import UsageError

_STD, _MOST = 0.02, 5.0


class EventFields(nn.Module):
    """Vectors of the values of `event_fields`.

    Args:
        dataset: the training split, whose events have the columns.
        names: of the columns, of tokens or numbers.
        width: of a vector.

    Attributes:
        names: see above.

    Raises:
        UsageError: rows bring their histories along, without these columns.
    """

    def __init__(self, dataset: Any, names: list[str], width: int) -> None:
        super().__init__()
        if not hasattr(dataset, "events"):
            raise UsageError(
                f"event_fields: {', '.join(names)} are read of single events, and these rows bring their histories "
                "along; train on single interactions, or leave it out"
            )
        self.names, self.tables = list(names), nn.ModuleList()
        read = dataset.inter_feat.read_events()
        for number, name in enumerate(self.names):
            is_token = dataset.field2type[name] is FeatureType.TOKEN
            self.tables.append(_table(dataset, name, width) if is_token else nn.Linear(1, width, bias=False))
            scale = torch.zeros(2) if is_token else _mean_and_deviation(dataset.events[name][read])
            self.register_buffer(f"scale_{number}", scale)

    def forward(self, values: tuple[Tensor, ...]) -> Tensor:
        """One tensor (...) of ids or numbers for each field -> (..., width)."""
        found = [self._of(number, of) for number, of in enumerate(values)]
        return torch.stack(found).sum(0)

    def _of(self, number: int, values: Tensor) -> Tensor:
        table = self.tables[number]
        if isinstance(table, nn.Embedding):
            return table(values.long())
        mean, deviation = getattr(self, f"scale_{number}").unbind()
        z = ((values.to(mean.dtype) - mean) / deviation).clamp(-_MOST, _MOST).nan_to_num(0.0)
        return table(z.unsqueeze(-1))


def event_fields_of(config: Any, dataset: Any, width: int) -> EventFields | None:
    """The module that `event_fields` asks for; None where it names none.

    Raises:
        UsageError: see `EventFields`.
    """
    names = config["event_fields"]
    return EventFields(dataset, names, width) if names else None


def _table(dataset: Any, name: str, width: int) -> nn.Embedding:
    table = nn.Embedding(dataset.num(name), width, padding_idx=0)
    with torch.no_grad():
        table.weight.normal_(std=_STD)[0] = 0
    return table


def _mean_and_deviation(values: Tensor) -> Tensor:
    """(2,) float32 of the known numbers (n,); the deviation is 1 where all are equal."""
    known = values[values.isfinite()].double()
    deviation = known.std(unbiased=False) if len(known) else torch.zeros(())
    mean = known.mean() if len(known) else torch.zeros(())
    return torch.stack([mean, deviation if deviation > 0 else torch.ones_like(mean)]).float()
