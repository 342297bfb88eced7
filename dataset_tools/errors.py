"""Errors that a person can act on; each class carries its exit code. Training and the data tools share them."""


class RecBoleExtError(Exception):
    """Base of all errors that are reported as their message alone; a traceback appears only with `--debug`."""

    exit_code = 1


class UsageError(RecBoleExtError):
    """The command or the configuration cannot be executed as written."""

    exit_code = 2


class DataError(RecBoleExtError):
    """A data file is missing, malformed or leaves nothing to learn from."""

    exit_code = 3


class UnsortedError(DataError):
    """Rows are not in time order, so no cut can be found by bisection; the file is sorted first."""


class ResourceError(RecBoleExtError):
    """Disk, memory, network, a device, an optional library or another run prevents the work."""

    exit_code = 4
