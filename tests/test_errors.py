"""Which errors are reported to the user, and which are internal."""

import errno

import pytest

from recbole_ext.errors import DataError, ResourceError, reported


class OutOfMemoryError(RuntimeError):
    """torch's error by its name; the module is not imported for it."""


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            MemoryError("Unable to allocate 5.06 TiB\nfor an array"),
            r"out of memory: Unable to allocate 5.06 TiB\nlower",
        ),
        (MemoryError(), "out of memory: no more to allocate"),
        (OutOfMemoryError("CUDA out of memory."), "out of memory: CUDA"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 7 bytes"), "out of memory: DefaultCPU"),
        (OSError(errno.ENOSPC, "No space left on device"), "no space left on the device; free some"),
        (OSError(errno.ENOSPC, "No space left on device", "runs/a"), "no space left on the device of runs/a;"),
        (PermissionError(errno.EACCES, "Permission denied", "a.inter"), "cannot open a.inter: Permission denied"),
        (IsADirectoryError(errno.EISDIR, "Is a directory", "a.yaml"), "cannot open a.yaml: Is a directory"),
    ],
    ids=repr,
)
def test_conditions_of_the_machine_are_resource_errors(error: Exception, message: str) -> None:
    found = reported(error)
    assert isinstance(found, ResourceError) and found.exit_code == 4
    with pytest.raises(ResourceError, match=message):
        raise found


def test_our_own_errors_are_reported_as_they_are() -> None:
    error = DataError("a.inter:3: no number")
    assert reported(error) is error


@pytest.mark.parametrize("error", [KeyError("timestamp"), RuntimeError("shapes"), OSError("odd"), ValueError("out")])
def test_everything_else_is_internal(error: Exception) -> None:
    assert reported(error) is None
