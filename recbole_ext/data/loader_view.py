"""A loader seen through another: what it holds and can do is its own, only its batches differ."""

from collections.abc import Iterator
from typing import Any


class LoaderView:
    """The batches of a loader, which subclasses change; every other attribute is the loader's.

    Args:
        whole: the loader.
    """

    def __init__(self, whole: Any) -> None:
        self.whole = whole

    def __getattr__(self, name: str) -> Any:
        if name == "whole":  # not yet set, while an object is copied
            raise AttributeError(name)
        return getattr(self.whole, name)

    def __len__(self) -> int:
        return len(self.whole)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.whole)


def whole_loader(loader: Any) -> Any:
    """The underlying loader of all views."""
    while isinstance(loader, LoaderView):
        loader = loader.whole
    return loader
