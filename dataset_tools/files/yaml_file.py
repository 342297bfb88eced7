"""The `<name>.yaml` beside a data set: its configuration in RecBole's own keys."""

from pathlib import Path

DRAWN_NEGATIVES = "drawn_negatives: True  # rows with label 0 are no history: for models of clicks alone"


def dataset_yaml(
    title: str,
    inter: list[str],
    tables: dict[str, list[str]],
    parts: list[str] | None = None,
    sampled_negatives: bool = False,
    time_unit: str = "seconds",
    no_times: bool = False,
) -> str:
    """Text of the configuration.

    Args:
        title: for the comment in the first line.
        inter: headers (`name:type`) of the interaction file.
        tables: headers by suffix (`user`, `item`), named in a comment; loading them is the reader's choice.
        parts: names of the parts of a cut data set, in the order train, valid, test.
        sampled_negatives: whether rows are sampled negatives.
        time_unit: what the times count; seconds are not mentioned.
        no_times: whether it was asked for that events have no times, so a run does not ask for their column.
    """
    fields = [header.partition(":")[0] for header in inter]
    lines = [f"# {title}", 'field_separator: "\\t"', 'seq_separator: " "']
    lines += ["USER_ID_FIELD: user_id", "ITEM_ID_FIELD: item_id"]
    for key, name in (("RATING_FIELD", "rating"), ("LABEL_FIELD", "label"), ("TIME_FIELD", "timestamp")):
        lines += [f"{key}: {name}"] if name in fields else []
    lines += ["TIME_FIELD:  # no times: events are in the order of the file"] * no_times
    lines += [f"time_unit: {time_unit}"] * (time_unit != "seconds")
    lines += ["load_col:", f"  inter: [{', '.join(fields)}]"]
    for suffix, headers in tables.items():
        names = ", ".join(header.partition(":")[0] for header in headers)
        lines.append(f"  # {suffix}: [{names}]  # for models that use features of the {suffix}")
    lines += [DRAWN_NEGATIVES] * sampled_negatives
    if parts:
        lines.append(f"benchmark_filename: [{', '.join(parts)}]  # train, valid, test of one global time cut")
    return "\n".join(lines) + "\n"


def has_sampled_negatives(path: Path) -> bool:
    """Whether a `<name>.yaml` says that rows are sampled negatives; False where there is none."""
    return path.is_file() and DRAWN_NEGATIVES in path.read_text(encoding="utf-8").splitlines()
