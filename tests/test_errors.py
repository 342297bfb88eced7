"""Which errors are reported to the user, and which are internal."""

import errno

import pytest

from recbole_ext.errors import DataError, InterruptedRun, ResourceError, memory_for, reported, unwrapped, unwrapping


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


def wrapped(inner: BaseException, outer: BaseException | None = None) -> BaseException:
    """As C code hands on what a signal handler raised inside it."""
    try:
        try:
            raise inner
        except BaseException as error:
            raise outer or SystemError("<method 'wait'> returned a result with an exception set") from error
    except BaseException as error:
        return error


@pytest.mark.parametrize("raised", [InterruptedRun("interrupted", 2), KeyboardInterrupt(), ResourceError("hang")])
def test_what_a_signal_handler_raises_is_found_behind_c_code(raised: BaseException) -> None:
    assert unwrapped(wrapped(raised)) is raised
    assert unwrapped(wrapped(wrapped(raised, RuntimeError("while cleaning up")))) is raised
    with pytest.raises(type(raised)), unwrapping():
        raise wrapped(raised)


def test_no_other_error_is_taken_for_an_interruption() -> None:
    plain = [SystemError("odd"), wrapped(KeyError("a")), wrapped(KeyboardInterrupt(), ValueError("a bug"))]
    assert [unwrapped(error) is error for error in plain] == [True] * 3
    with pytest.raises(SystemError) as caught, unwrapping():
        raise plain[1]
    assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("Storage size calculation overflowed with sizes=[1683, 9223372036854775807]"),
        ValueError("array is too big; `arr.size * arr.dtype.itemsize` is larger than the maximum possible size."),
        ValueError("Maximum allowed dimension exceeded"),
        RuntimeError("can't start new thread"),
        RuntimeError("std::bad_alloc"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
    ],
    ids=repr,
)
def test_every_way_to_say_that_memory_is_missing(error: Exception) -> None:
    found = reported(error)
    assert isinstance(found, ResourceError) and str(found).startswith("out of memory: ")
    with pytest.raises(ResourceError, match=r"out of memory while building X: "), memory_for("building X"):
        raise error


def test_what_asked_for_memory_and_for_how_much() -> None:
    with pytest.raises(ResourceError, match=r"while building X: 2\.00 GiB in one piece: .*allocate memory"):
        with memory_for("building X"):
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 2147483648 bytes.")
    with pytest.raises(KeyError), memory_for("building X"):
        raise KeyError("x")
