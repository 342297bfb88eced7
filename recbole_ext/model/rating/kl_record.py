"""What the latent vectors hold, epoch by epoch; whether they have collapsed, a rule of the course judges."""

from typing import Any

from torch import Tensor

ACTIVE_VARIANCE = 0.01
"""A unit is active if the variance of its mean over the data is larger (Burda et al. 2016)."""


class KlRecord:
    """Sums over the batches of one epoch."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self.batches, self.rows = 0, 0
        self.fit = self.tables = 0.0
        self.kl: Tensor | None = None
        self.first: Tensor | None = None
        self.second: Tensor | None = None

    def add(self, fit: Tensor, tables: Tensor, kl: Tensor, mu: Tensor) -> None:
        """One batch.

        Args:
            fit, tables: () nats per rating.
            kl: (B, L) nats.
            mu: (B, L) means of the latent vectors.
        """
        self.batches, self.rows = self.batches + 1, self.rows + len(kl)
        self.fit, self.tables = self.fit + float(fit), self.tables + float(tables)
        sums = kl.sum(0).cpu(), mu.double().sum(0).cpu(), mu.double().square().sum(0).cpu()
        before = (self.kl, self.first, self.second)
        self.kl, self.first, self.second = (
            new if old is None else old + new for old, new in zip(before, sums, strict=True)
        )

    def state_dict(self) -> dict[str, Any]:
        """What a run needs that is resumed within an epoch."""
        return dict(vars(self))

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load what `state_dict` returned."""
        vars(self).update(state)

    def columns(self) -> dict[str, float]:
        """The epoch's means; `kl` is the sum over dimensions in nats, `kl_d<k>` that of one; starts over."""
        if not self.batches:
            return {}
        row = {"fit": self.fit / self.batches, "kl_tables": self.tables / self.batches}
        if self.kl is not None and len(self.kl):
            assert self.first is not None and self.second is not None
            each = self.kl / self.rows
            variance = self.second / self.rows - (self.first / self.rows).square()
            row |= {"kl": float(each.sum()), "active_units": float((variance > ACTIVE_VARIANCE).sum())}
            row |= {"latent_units": float(len(each))}
            row |= {f"kl_d{k}": float(value) for k, value in enumerate(each)}
        self._forget()
        return row


__all__ = ["ACTIVE_VARIANCE", "KlRecord"]
