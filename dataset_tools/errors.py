"""Faults a person can act on; each class carries its exit code."""


class ToolError(Exception):
    """A fault that is shown as its message alone; a traceback appears only with `--debug`."""

    exit_code = 1


class UsageError(ToolError):
    """The command asks for something that does not exist or does not fit together."""

    exit_code = 2


class DataError(ToolError):
    """The data is not what the command was told it is."""

    exit_code = 3


class UnsortedError(DataError):
    """Rows are not in time order, so no cut can be found by bisection; the file is sorted first."""


class ResourceError(ToolError):
    """Disk, memory, network or another run is in the way."""

    exit_code = 4
