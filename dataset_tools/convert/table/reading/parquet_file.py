"""What the footer of a parquet file states."""

from pathlib import Path

import polars as pl

from dataset_tools.errors import DataError


def parquet_columns(path: Path) -> tuple[str, ...]:
    """Names of the columns.

    Raises:
        DataError: it is no parquet file, or it is cut off.
    """
    try:
        return tuple(pl.scan_parquet(path, glob=False).collect_schema())
    except (pl.exceptions.PolarsError, OSError) as error:
        raise broken(path, error) from None


def row_count(path: Path) -> int:
    """Rows of a file, from its footer."""
    return int(pl.scan_parquet(path, glob=False).select(pl.len()).collect().item())


def broken(path: Path, error: Exception) -> DataError:
    """The error of a file that cannot be read."""
    return DataError(
        f"{path}: not a complete parquet file ({str(error).splitlines()[0][:120]}); fetch or write it again."
    )
