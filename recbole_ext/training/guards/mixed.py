"""Models that torch cannot compute in mixed precision, such as products of sparse matrices."""

from collections.abc import Iterator
from contextlib import contextmanager

from recbole_ext.errors import UsageError, is_out_of_memory

_OF_TYPES = ("BFloat16", "Half", "dtype")
"""Words of torch's errors about types that do not go together."""


@contextmanager
def computable(model: str, precision: str) -> Iterator[None]:
    """Report what torch cannot compute in a precision as an error of that setting.

    Args:
        model: its name.
        precision: as the key has it.

    Raises:
        UsageError: a type other than float32 was asked for, and torch refuses types.
    """
    try:
        yield
    except RuntimeError as error:
        of_types = any(word in str(error) for word in _OF_TYPES) and not is_out_of_memory(error)
        if precision == "float32" or not of_types:
            raise
        raise UsageError(
            f"precision: {precision} cannot be used with {model} on this device (torch: {str(error).splitlines()[0]}); "
            "leave precision out"
        ) from error
