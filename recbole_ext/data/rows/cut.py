"""Data sets that are cut into files (`benchmark_filename`), as `dataset_tools split` writes them: a time cut is global.

The files are the parts: training, validation and test, or training and test, where nothing is left to choose by
and the weights of the last epoch are tested. Tokens are numbered in the order of the files, so the numbers of the
past do not depend on the future; a token that only the future has gets a number after them and stays untrained.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset_tools.times.tally import moment
from recbole_ext.config.config import Config
from recbole_ext.config.keys.intervals import EVERYTHING
from recbole_ext.errors import DataError, UsageError

FILTERS = ("user_inter_num_interval", "item_inter_num_interval", "val_interval", "rm_dup_inter")
_GRAPH_FILTERS = ("entity_kg_num_interval", "relation_kg_num_interval")


@dataclass(frozen=True)
class Span:
    """The entry of `split.json` for one file.

    Attributes:
        start, end: first second, and first second after it; None where the span is open.
        share_cold: fraction of its rows with a user or an item that is not in the past; None for the past.
    """

    start: int | None
    end: int | None
    share_cold: float | None


def parts_of(config: Config) -> list[str]:
    """Names of the files of a cut data set, in the order of time; [] for a data set in one file.

    Raises:
        UsageError: `benchmark_filename` does not name two or three files.
    """
    names = config["benchmark_filename"] or []
    if names and not (isinstance(names, list) and len(names) in (2, 3)):
        raise UsageError(f"benchmark_filename must be [train, valid, test] or [train, test] (got {names!r})")
    return [str(name) for name in names]


def split_text(config: Config) -> str:
    """How the data set is split, for a person: the instants of a global time cut, else RecBole's `eval_args`."""
    names = parts_of(config)
    if not names:
        given = config["eval_args"]
        each = "over all rows" if given["group_by"] in (None, "none") else f"by {given['group_by']}"
        return f"{given['split']} {each}"
    spans = read_spans(Path(config["data_path"]))
    if not set(names) <= set(spans):
        return f"files {', '.join(names)}"
    return _cut_text(names, spans)


def _cut_text(names: list[str], spans: dict[str, Span]) -> str:
    test = spans[names[-1]]
    valid = f"validation from {utc(spans[names[1]].start)}" if len(names) == 3 else "no validation split"
    if names[-1] == "test":
        words = [f"global time cut at {utc(test.start)}", valid]
    else:
        words = [f"global time cut at {utc(spans['test'].start)}", valid]
        words.append(f"tested on {names[-1]}, {utc(test.start)} to {utc(test.end)}")
    if test.share_cold is not None:
        words.append(f"{test.share_cold:.1%} of the tested rows cold")
    return ", ".join(words)


def utc(seconds: int | None) -> str:
    """`2015-03-31T06:40:03Z`; an open end is `-`."""
    return "-" if seconds is None else moment(seconds, "seconds")


def read_spans(folder: Path) -> dict[str, Span]:
    """The parts and windows that `split.json` describes; {} where there is none, for files cut elsewhere.

    Raises:
        DataError: the file cannot be read as what `dataset_tools split` writes.
    """
    path = folder / "split.json"
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        parts = {**found["parts"], **found["windows"]}
        return {name: Span(part["start"], part["end"], part.get("share_rows_cold")) for name, part in parts.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: not written by `dataset_tools split` ({error!r}); cut the data set again") from None


def check_no_filter(config: Config) -> None:
    """Refuse filters that RecBole ignores for data sets in several files.

    Raises:
        UsageError: one is set.
    """
    filters = (*FILTERS, *_GRAPH_FILTERS) if parts_of(config) else ()
    given = [name for name in filters if config[name] not in EVERYTHING]
    if given:
        raise UsageError(
            f"{', '.join(given)}: {config.dataset} is cut into files, which are read as they are; filter when it is\n"
            "cut, by the past alone: recbole-data split --min-user N --min-item N"
        )


class FileParts:
    """Mixin before a data set class of RecBole: each file is a part, complete and with known users and items."""

    config: Any
    inter_feat: Any

    def _load_data(self, token: str, dataset_path: str) -> None:
        super()._load_data(token, dataset_path)  # type: ignore[misc]
        for field in (self.uid_field, self.iid_field) if parts_of(self.config) else ():  # type: ignore[attr-defined]
            missing = self.inter_feat[field].isnull().sum()
            if missing:
                raise DataError(
                    f"{dataset_path}: {missing} rows have no {field}; "
                    f"their lines: python -m dataset_tools validate {dataset_path}"
                )

    def build(self) -> list[Any]:
        """Training, validation and test; of two files, validation is empty."""
        parts = super().build()  # type: ignore[misc]
        if len(parts) == 2:
            parts.insert(1, self.copy(self.inter_feat[:0]))  # type: ignore[attr-defined]
        return parts
