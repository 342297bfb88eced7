"""A file of bytes, packed with gzip or Zstandard or not, read in blocks."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any

from dataset_tools.errors import DataError, UsageError

PACKED = (".gz", ".zst")


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, unpacked where its name ends in `.gz` or `.zst`.

    Raises:
        DataError: the packed file is cut off or is no such file.
    """
    try:
        with _open(path) as file:
            yield file
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}: not a complete gz file ({error}); fetch it again.") from None


def _open(path: Path) -> Any:
    if path.suffix == ".gz":
        return gzip.open(path)
    return closing(Zst(path)) if path.suffix == ".zst" else path.open("rb")


class Zst:
    """A file of Zstandard frames, read as a stream.

    Args:
        path: of the file.

    Raises:
        UsageError: the library is not installed.
    """

    def __init__(self, path: Path) -> None:
        try:
            import zstandard
        except ImportError:
            raise UsageError(f"{path}: zst needs zstandard: pip install zstandard, or unpack the file first.") from None
        self._frame: Any = None
        self._fresh = zstandard.ZstdDecompressor(max_window_size=1 << 31).decompressobj
        self._error = zstandard.ZstdError
        self._path, self._file = path, path.open("rb")

    def read(self, size: int = -1) -> bytes:
        """The next bytes, some more or fewer than `size`; none at the end.

        Raises:
            DataError: the file is cut off or is no such file.
        """
        out = b""
        while not out and (packed := self._file.read(max(size >> 4, 1 << 12))):
            out = self._unpacked(packed)
        if not out and self._frame is not None:
            raise DataError(f"{self._path}: not a complete zst file (cut off); fetch it again.")
        return out

    def _unpacked(self, packed: bytes) -> bytes:
        out = b""
        while packed:
            self._frame = self._fresh() if self._frame is None else self._frame
            try:
                out += self._frame.decompress(packed)
            except self._error as error:
                raise DataError(f"{self._path}: not a complete zst file ({error}); fetch it again.") from None
            packed = b""
            if self._frame.eof:
                packed, self._frame = self._frame.unused_data, None
        return out

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def plain_name(path: Path) -> str:
    """The name of a file without the ending of its packing: `x.csv` of `x.csv.gz`."""
    return path.stem if path.suffix in PACKED else path.name
