"""A copy of a data set whose times are seconds since 1970: dates of ISO 8601 and other units are converted exactly."""

import json
import shutil
from dataclasses import dataclass
from glob import escape
from pathlib import Path
from typing import Any

from dataset_tools.errors import DataError, UsageError
from dataset_tools.files.dataset_files import interaction_files
from dataset_tools.files.headers import read_header
from dataset_tools.files.publish import whole_folder
from dataset_tools.times.clocks import LIMIT, as_text, parse_date, parse_number

_LEFT_OUT = (".json", ".tsv")


@dataclass(frozen=True)
class TimesOptions:
    """One conversion, as the command line states it.

    Args:
        input: folder of a data set, cut or not.
        output: folder of data sets; the result is `<output>/<name>/`.
        name: of the result; `<input's name>-seconds` unless given.
        time_field: the column to convert.
        time_unit: what its numbers count; dates need none, and one without a zone is UTC.
        overwrite: replace a data set this package wrote.
    """

    input: Path
    output: Path
    name: str = ""
    time_field: str = "timestamp"
    time_unit: str = "seconds"
    overwrite: bool = False

    @property
    def target(self) -> Path:
        """The folder that is written."""
        return self.output / (self.name or f"{self.input.name}-seconds")


def convert_times(options: TimesOptions) -> dict[str, Any]:
    """Write the copy; a fraction of a second becomes decimal places, and every other column stays as it is.

    Returns:
        `rows`, `dates` and `without_zone`: how many times were dates, and dates without a zone.

    Raises:
        UsageError: the input is not the folder of a data set.
        DataError: there is no such column, a time is neither a number nor a date, or `split.json` is damaged.
    """
    if not options.input.is_dir():
        raise UsageError(f"{options.input}: the folder of a data set is needed.")
    counts = {"rows": 0, "dates": 0, "without_zone": 0}
    converted = interaction_files(options.input)
    with whole_folder(options.target, options.overwrite, [options.input]) as folder:
        for path in sorted(options.input.glob(f"{escape(options.input.name)}.*")):
            target = folder / f"{options.target.name}{path.name.removeprefix(options.input.name)}"
            if path.suffix == ".inter":
                counted = counts if path in converted else dict(counts)  # rows of a window are those of the test split
                _convert(path, target, options, counted)
            elif path.suffix == ".yaml":
                lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
                target.write_text("".join(li for li in lines if not li.startswith("time_unit:")), encoding="utf-8")
            elif path.suffix not in _LEFT_OUT:
                shutil.copyfile(path, target)
        _write_facts(options, folder, counts)
    return counts


def _write_facts(options: TimesOptions, folder: Path, counts: dict[str, int]) -> None:
    """The summary, and for a cut data set where it is cut, which is in seconds already."""
    facts = {"input": options.input.name, "time_field": options.time_field, "time_unit": options.time_unit, **counts}
    written = {f"{options.target.name}.summary.json": facts}
    cut = options.input / "split.json"
    if cut.is_file():
        written[cut.name] = _facts_of_cut(cut)
    for name, content in written.items():
        (folder / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _facts_of_cut(path: Path) -> dict[str, Any]:
    try:
        return {**json.loads(path.read_text(encoding="utf-8")), "time_unit": "seconds"}
    except (ValueError, TypeError):
        raise DataError(f"{path}: not written by recbole-data split; cut the data set again.") from None


def _convert(path: Path, target: Path, options: TimesOptions, counts: dict[str, int]) -> None:
    fields = read_header(path)
    names = [found.field for found in fields]
    if options.time_field not in names:
        raise DataError(f"{path}: no field {options.time_field}; it has {', '.join(names)}. Name it with --time-field.")
    at = names.index(options.time_field)
    header = "\t".join(f"{f.field}:{'float' if f.field == options.time_field else f.type}" for f in fields)
    with (
        path.open(encoding="utf-8-sig", errors="surrogateescape", newline="\n") as file,
        target.open("w", encoding="utf-8", errors="surrogateescape", newline="\n") as out,
    ):
        next(file)
        out.write(header + "\n")
        for number, line in enumerate(file, 2):
            values = line.rstrip("\r\n").split("\t")
            if values == [""]:
                continue
            if len(values) != len(fields):
                raise DataError(f"{path}:{number}: {len(values)} columns, the header has {len(fields)}.")
            values[at] = _seconds(values[at], f"{path}:{number}", options, counts)
            out.write("\t".join(values) + "\n")
            counts["rows"] += 1


def _seconds(text: str, where: str, options: TimesOptions, counts: dict[str, int]) -> str:
    found = parse_number(text, options.time_unit)
    if found is None and (found := parse_date(text)) is not None:
        counts["dates"] += 1
        counts["without_zone"] += not text.strip().endswith("Z") and "+" not in text and text.count("-") < 3
    if found is None or abs(found[0]) >= LIMIT:
        raise DataError(
            f"{where}: {options.time_field} {text!r} is neither a number of {options.time_unit} since 1970 nor a date "
            "of ISO 8601, such as 2015-03-31T06:40:03Z."
        )
    return as_text(*found)
