"""The loaders of a stage; where memory has run out, with smaller batches."""

from typing import Any

from recbole_ext.training.guards.memory import halved


class Batches:
    """What a stage trains on and is validated on.

    Args:
        train: loader of the training split, or of its newest fraction.
        valid: of the validation split; None for none.
        model: for loaders whose negatives depend on it.
        halvings: of the batches, in the stages before.

    Attributes:
        train: the current loader.
    """

    def __init__(self, train: Any, valid: Any, model: Any, halvings: int = 0) -> None:
        self.train, self.valid, self.model = train, valid, model
        self._connect()
        for _ in range(halvings):
            self.halve()

    @property
    def loaders(self) -> tuple[Any, Any]:
        """Both, for the states of their random generators."""
        return self.train, self.valid

    def halve(self) -> None:
        """Half as many rows in a batch.

        Raises:
            ResourceError: this kind of loader, or a batch of one row, cannot be halved.
        """
        self.train = halved(self.train)
        self._connect()

    def _connect(self) -> None:
        config = getattr(self.train, "config", None)
        if config is not None and config["train_neg_sample_args"].get("dynamic"):
            self.train.get_model(self.model)
