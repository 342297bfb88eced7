"""What was guessed as the words that state it: a command, or arguments of a call where a DataFrame is the input."""

import shlex

from dataset_tools.convert.table.layout import Layout
from dataset_tools.convert.table.options import TableOptions
from dataset_tools.convert.table.reading.frame import Frame


def stated(options: TableOptions, layout: Layout) -> str:
    """A sentence with the command, or the arguments, that give every column and unit."""
    tables = (*options.input, options.users, options.items)
    if any(isinstance(table, Frame) for table in tables):
        named = {option[2:].replace("-", "_"): value for option, value in _chosen(options, layout).items()}
        return "guessed; these arguments state it:\n  " + ", ".join(f"{k}={v!r}" for k, v in named.items())
    words = ["recbole-data", "convert", "table", "--input", *map(str, options.input), "--output", str(options.output)]
    words += ["--name", options.name] * bool(options.name)
    for option, value in _chosen(options, layout).items():
        words += [option, ",".join(value) if isinstance(value, list) else value]
    return f"guessed; this command states it:\n  {shlex.join(words)}"


def _chosen(options: TableOptions, layout: Layout) -> dict[str, str | list[str]]:
    """Option -> value, for those that are not as by default."""
    tables = {
        option: "" if table is None or isinstance(table, Frame) else str(table)
        for option, table in (("--users", options.users), ("--items", options.items))
    }
    found: dict[str, str | list[str]] = {
        "--columns": list(options.columns),
        "--user": layout.user,
        "--item": layout.item,
        "--rating": layout.rating or "none",
        "--time": layout.time or "none",
        "--time-unit": layout.time_unit if layout.time else "",
        "--keep": list(options.keep),
        "--rows": options.rows,
        "--item-separator": options.item_separator,
        "--users": tables["--users"],
        "--user-key": options.user_key,
        "--items": tables["--items"],
        "--item-key": options.item_key,
        "--encoding": options.encoding if options.encoding != "utf-8" else "",
    }
    return {option: value for option, value in found.items() if value}
