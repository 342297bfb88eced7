"""What happens around the steps of training."""


class Hook:
    """Called by the loop; each event does nothing unless a hook overrides it."""

    def before_epoch(self) -> None:
        """An epoch begins, or resumes where a run was interrupted."""

    def after_step(self) -> None:
        """The optimiser has made one step."""

    def after_training(self, epoch: int, seconds: float) -> None:
        """All batches of an epoch are done, in so many seconds; its validation is not."""

    def after_epoch(self, epoch: int, seconds: float) -> None:
        """An epoch is over, its validation too; the state is that of the next one."""

    def on_error(self, error: Exception) -> bool:
        """Something has gone wrong within an epoch; whether training can continue from the current state."""
        return False
