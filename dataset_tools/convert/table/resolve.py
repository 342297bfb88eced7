"""Options and the first rows of the input to a layout."""

from itertools import islice

import polars as pl

from dataset_tools.convert.table import guess, guess_times
from dataset_tools.convert.table.column_types import require_one_type, require_types
from dataset_tools.convert.table.layout import Layout, field_names
from dataset_tools.convert.table.options import TableOptions
from dataset_tools.convert.table.reading.blocks import text_blocks
from dataset_tools.convert.table.reading.parse import parse_block
from dataset_tools.convert.table.reading.source import Source, shown
from dataset_tools.convert.table.row_choice import row_choice
from dataset_tools.convert.table.stated import stated
from dataset_tools.convert.table.times_read import check_unit
from dataset_tools.convert.table.values import parsed_list
from dataset_tools.errors import DataError, UsageError

_SAMPLE_ROWS = 1000
_SAMPLE_BYTES = 1 << 20


def sample_of(source: Source) -> pl.DataFrame:
    """The first rows, with every column.

    Raises:
        DataError: there is no row.
    """
    if source.frame is not None:
        sample = source.frame.head(_SAMPLE_ROWS)
    elif source.kind == "parquet":
        sample = pl.scan_parquet(source.path, glob=False).head(_SAMPLE_ROWS).collect()
    else:
        blocks = islice(text_blocks(source, size=_SAMPLE_BYTES), 1)
        tables = [parse_block(block, list(source.columns)) for block in blocks]
        if not tables or not tables[0].n_rows:
            raise DataError(f"{source.path}: a header and no rows")
        sample = tables[0].table.head(_SAMPLE_ROWS)
    if source.kind == "parquet" and not sample.height:
        raise DataError(f"{source.path}: no rows")
    return sample


def resolve(options: TableOptions, sources: list[Source]) -> tuple[Layout, str]:
    """The layout of the input, and the options in full where something was guessed, else "".

    Raises:
        UsageError: a column is absent or two could be it, or the unit is unclear.
        DataError: an input lacks a column that the first one has.
    """
    names, sample = sources[0].columns, sample_of(sources[0])
    given = {"user": options.user, "item": options.item, "rating": options.rating, "time": options.time}
    _refuse_index(sources, given)
    roles = {
        role: guess.named_column(role, name, names, role in ("rating", "time")) if name else ""
        for role, name in given.items()
    }
    unit = check_unit(options.time_unit) if options.time_unit else ""
    _guess_missing(roles, given, options.keep, names, sample, unit)
    for role in ("user", "item"):
        if not roles[role]:
            raise UsageError(
                f"--{role}: no column has a name that people use for it; name one of {shown(names)}{_index(sources)}"
            )
    if roles["user"] == roles["item"]:
        raise UsageError(f"--user and --item: both are {roles['user']}; two columns are needed")
    for name in options.keep:
        guess.named_column("keep", name, names, False)
    field_names(options.keep)
    choice = row_choice(options.rows) if options.rows else None
    for name in () if choice is None else choice.columns:
        guess.named_column("rows", name, names, False)
    lists = frozenset(name for name in options.keep if is_list(sample[name], sources[0].kind))
    layout = Layout(
        **roles,
        time_unit=_unit(unit, roles["time"], sample),
        keep=options.keep,
        lists=lists,
        choice=choice,
        item_separator=options.item_separator,
    )
    _check_others(sources, layout)
    typed = [
        (source, sample if source is sources[0] else sample_of(source))
        for source in sources
        if source.kind in ("parquet", "frame")
    ]
    for source, its in typed:
        require_types(source, layout, its)
    _check_ids(typed, layout)
    guessed = any(not given[role] and roles[role] for role in roles) or (roles["time"] and not options.time_unit)
    return layout, stated(options, layout) if guessed else ""


def _guess_missing(
    roles: dict[str, str],
    given: dict[str, str],
    keep: tuple[str, ...],
    names: tuple[str, ...],
    sample: pl.DataFrame,
    unit: str,
) -> None:
    """Fill in the roles that were not given."""

    def free() -> list[str]:
        return [name for name in names if name not in roles.values() and name not in keep]

    rules = (
        ("user", guess.USERS, lambda name: True),
        ("item", guess.ITEMS, lambda name: True),
        ("rating", guess.RATINGS, lambda name: guess.is_rating(sample[name])),
        ("time", guess.TIMES, lambda name: guess_times.are_times(sample[name], unit)),
    )
    for role, tiers, fits in rules:
        if not given[role]:
            roles[role] = guess.guess_column(role, tiers, free(), fits)
    if not given["time"] and not roles["time"]:
        roles["time"] = guess_times.guess_by_value(free(), sample, unit)


def _unit(unit: str, time: str, sample: pl.DataFrame) -> str:
    if not time:
        return unit or "s"
    if not unit:
        return guess_times.guess_unit(time, sample[time])
    guess_times.require_zones(time, sample[time], unit)
    return unit


def _refuse_index(sources: list[Source], given: dict[str, str]) -> None:
    for frame in (source.frame for source in sources if source.frame is not None):
        for role, name in given.items():
            if name in frame.index and name not in frame.columns:
                raise UsageError(f"--{role} {name}: the index of {frame.name} and no column; pass df.reset_index()")


def _index(sources: list[Source]) -> str:
    names = [name for source in sources if source.frame is not None for name in source.frame.index]
    return f"; the index ({', '.join(names)}) is no column: pass df.reset_index()" if names else ""


def is_list(values: pl.Series, kind: str) -> bool:
    """Whether the first value of a column that is no csv's is a list of words and numbers."""
    if values.dtype == pl.List or values.dtype == pl.Array:
        return not values.dtype.inner.is_nested()  # type: ignore[attr-defined]
    if kind not in ("json", "frame") or values.dtype != pl.String:
        return False
    found = [parsed_list(text) for text in values.drop_nulls().to_list()]
    lists = [one for one in found if one is not None]
    return (
        bool(lists) and len(lists) == len(found) and not any(isinstance(x, dict | list) for one in lists for x in one)
    )


def _check_others(sources: list[Source], layout: Layout) -> None:
    for source in sources[1:]:
        absent = [name for name in layout.wanted if name not in source.columns]
        if absent and source.kind != "json":
            raise DataError(f"{source.path}: no column {', '.join(absent)}, which {sources[0].path} has")


def _check_ids(typed: list[tuple[Source, pl.DataFrame]], layout: Layout) -> None:
    for role, column in (("user", layout.user), ("item", layout.item)):
        for frame in (source.frame for source, _ in typed if source.frame is not None):
            frame.require_one_kind(role, column)
        require_one_type(typed, role, column)
