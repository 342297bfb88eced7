"""From words to the checked configuration of a run: model and data set or table, files, keys, the run to resume."""

import argparse
import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset_tools.convert.table.arguments import declare_columns
from recbole_ext.cli.parser import Parser, typed
from recbole_ext.errors import UsageError, nearest

if TYPE_CHECKING:
    from recbole_ext.config.config import Config
    from recbole_ext.config.resolved import Resolved

_NEAR = 0.8
"""Similarity from which a key is taken for a misspelt `model` or `dataset`."""


def declare_run(parser: Parser) -> None:
    """The options that name a run: model, data set and configuration files."""
    parser.add_argument("--model", help="name of a model, or package.module:Class of your own")
    parser.add_argument("--dataset", help="name of the data set: its folder under --data_path")
    parser.add_argument(
        "--config_files",
        metavar="FILES",
        help="YAML files with keys, separated by blanks, later ones win; or names of files in properties/",
    )


def declare_data(parser: Parser) -> None:
    """The options of a table of the user's own."""
    group = parser.add_argument_group("a table of your own")
    group.add_argument(
        "--data",
        action="append",
        metavar="FILE",
        help="csv, tsv, json lines or parquet (.gz, .zst), which becomes the data set --dataset; may be repeated",
    )
    declare_columns(group)


def settle_data(words: argparse.Namespace) -> None:
    """Convert the table that `--data` names, and name its data set.

    Raises:
        UsageError, DataError, ResourceError: it cannot be converted.
    """
    from recbole_ext.config.layers import file_names
    from recbole_ext.pipeline.configure import data_root
    from recbole_ext.pipeline.own_table import OPTIONS, data_set_of, taken_options

    defaults = argparse.ArgumentParser()
    declare_columns(defaults)
    given = {key: value for key in OPTIONS if (value := getattr(words, key)) != defaults.get_default(key)}
    if words.time_unit:
        words.keys["time_unit"] = typed("time_unit")(words.time_unit) if words.data is None else words.time_unit
    options = taken_options(words.data, given)
    if words.data:
        options |= taken_options(words.data, words.keys)
        root = data_root(file_names(words.config_files), words.keys)
        words.dataset = data_set_of(words.data, words.dataset, root, options)


def declare_opening(parser: Parser) -> None:
    """The options of commands that open finished runs."""
    parser.add_argument("--data_path", metavar="DIR", help="folder of the raw data; default: the recorded one")
    parser.add_argument("--device", metavar="NAME", help="device; default: that of the run, or the best one available")


def declare_print_config(parser: Parser) -> None:
    """`--print-config`, see `configured`."""
    parser.add_argument(
        "--print-config",
        nargs="?",
        const="all",
        choices=("all", "changed"),
        help="print each value with its origin, and stop; changed: those that differ from the defaults",
    )


def configured(words: argparse.Namespace, resume: str | None = None) -> "Config | None":
    """The configuration of the run that the words describe; None where `--print-config` has printed it.

    Raises:
        UsageError, DataError: see `resolved_run`.
    """
    resolved = resolved_run(given_keys(words), resume, check_data=not words.print_config)
    if not words.print_config and os.environ.get("RANK", "0") == "0":  # one of the processes of a distributed run
        print(f"{resolved.entry.name} on {resolved.dataset}", flush=True)
    with _loading(bool(resolved.values["show_progress"]) and not words.print_config):
        from recbole_ext.config.config import Config  # imports RecBole and torch, which takes seconds

        config = Config(resolved)
    if not words.print_config:
        return config
    from recbole_ext.config.show import config_lines

    print("\n".join(config_lines(config, words.print_config == "changed")))
    return None


def _loading(shown: bool) -> AbstractContextManager[None]:
    """Around imports that take seconds; one of the processes of a distributed run shows it."""
    from dataset_tools.progress import waiting

    return waiting("loading torch and RecBole", enabled=shown and os.environ.get("RANK", "0") == "0")


def given_keys(words: argparse.Namespace) -> dict[str, Any]:
    """The keys of the command line, with model, data set and files where they were given."""
    named = {name: getattr(words, name) for name in ("model", "dataset", "config_files")}
    return {**{name: value for name, value in named.items() if value is not None}, **words.keys}


def named_in_files(given: dict[str, Any]) -> dict[str, Any]:
    """Model and data set from the command line, else from the user's files, else from the run that `final_of` names.

    Raises:
        UsageError: nothing names them.
    """
    from recbole_ext.config.layers import Layer, file_names, user_file
    from recbole_ext.pipeline.final_of import source_of
    from recbole_ext.runs.recorded import recorded

    layers = [*map(user_file, file_names(given.get("config_files"))), Layer("command line", given, user=True)]
    run = source_of(layers)
    sources = [recorded(run) if run and (run / "config.yaml").is_file() else {}, *(layer.values for layer in layers)]
    named = {key: of[key] for of in sources for key in ("model", "dataset") if of.get(key)}
    given = {**named, **given}
    missing = [name for name in ("model", "dataset") if not given.get(name)]
    if missing:
        meant = [f" (got --{word}{near})" for word in given if (near := nearest(word, missing, cutoff=_NEAR))]
        raise UsageError(
            f"--model and --dataset are required, for instance: --model=SS4Rec --dataset=ml-100k{''.join(meant)}\n"
            "all commands: --help; all models: models; all settings: keys; check the installation: doctor"
        )
    return given


def resolved_run(given: dict[str, Any], resume: str | None = None, check_data: bool = True) -> "Resolved":
    """The checked configuration.

    Args:
        given: keys of the command line.
        resume: name of a run whose recorded configuration they override, `newest`, or None.
        check_data: whether the data set's files must be there.

    Raises:
        UsageError: an error of the configuration.
        DataError: a data file is missing or malformed.
    """
    from recbole_ext.config.layers import file_names
    from recbole_ext.pipeline.configure import check_data as require_data
    from recbole_ext.pipeline.configure import resolve

    files = file_names(given.get("config_files"))
    if resume in (None, "newest"):
        given = named_in_files(given)
    else:
        file, model, dataset = _recorded(given, str(resume))
        files, given = [file, *files], {"model": model, "dataset": dataset, **given}
    resolved = resolve(given["model"], given["dataset"], files, given)
    if check_data:
        require_data(resolved)
    return resolved


def _recorded(given: dict[str, Any], resume: str) -> tuple[str, str, str]:
    """The configuration file of the run that `--resume=RUN` names, with its model and data set."""
    from recbole_ext.runs.recorded import recorded, run_folder

    folder = run_folder(Path(given.get("runs_dir") or "runs"), resume)
    values = recorded(folder)
    return str(folder / "config.yaml"), str(values["model"]), str(values["dataset"])
