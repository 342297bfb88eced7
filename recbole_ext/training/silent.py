"""In place of loggers that RecBole's trainers write to by themselves."""

from collections.abc import Callable


class Silent:
    """Stands where RecBole writes to TensorBoard and Weights & Biases by itself."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args, **kwargs: None
