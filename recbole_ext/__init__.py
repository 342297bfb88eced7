"""State-space recommenders on RecBole: exact times, honest numbers, one command.

    import recbole_ext as rx

    run = rx.train("SS4Rec", "ml-100k", epochs=20)
    run = rx.train("SS4Rec", data=df, user="customer", item="sku", time="bought")  # a DataFrame or a file of yours
    run = rx.load("runs/SS4Rec-ml-100k-20260101T000000Z-ab12")
    run.recommend(users=["196"], k=10)
    rx.compare([run, "runs/SASRec-ml-100k-20260101T000000Z-cd34"])

docs/python.md has the rest. Importing this package imports neither torch nor RecBole.

The map, from the floor up; a room imports the rooms above its line in this list, never those below:

    errors.py, names.py, places.py, secret_forms.py, redact.py, files.py, versions.py, model_list.py, registry.py, ...
    ssm/            the mathematics of state-space layers and their kernels
    config/         one strict configuration, with the origin of every value
    data/           atomic files -> exact interactions -> splits
    model/          one file per model: its equations; its parts by task
    evaluation/     metrics by user, protocol, criteria, statistics
    runs/           the run directory: configuration, vocabulary, checkpoints
    training/       the loop, optimization, guards, tracking
    tasks/          task.py: what differs between tasks; a room for each: ranking, ratings, clicks
    pipeline/       one run: configure, open data, build, train, evaluate; import of checkpoints
    preflight/      before a run: what is installed, and each part of the run once and small
    serving/        a finished run that answers; http/ answers over HTTP
    diagnosis/      rules that read learning curves and results
    report/         pages, charts, model card
    experiments/    many runs: templates, seeds, attempts
    comparison/     comparisons of finished runs; ensembles
    cluster/        work spread over the processes of Ray
    tuning/         search over settings
    scripts/, quick_start.py    RecBole's calls by RecBole's names
    cli/            the command line
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset_tools.platforms import require_platform

if "OMP_WAIT_POLICY" not in os.environ:
    # torch's threads spin while they wait for each other: ten times as slow where another program uses a core
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")

if TYPE_CHECKING:
    from recbole_ext.comparison.blend import Blend
    from recbole_ext.comparison.compare import Comparison
    from recbole_ext.serving.run import Run

require_platform()

__version__ = "0.1.0"
__all__ = ["blend", "compare", "convert", "load", "train"]


def train(
    model: str,
    dataset: str | None = None,
    config_files: Iterable[str | Path] | str | Path | None = (),
    *,
    data: Any = None,
    **settings: Any,
) -> "Run":
    """Train a model, choose its weights by validation, and evaluate them once on test.

    Args:
        model: a name of the registry, such as `SS4Rec`.
        dataset: name of the data set's folder under `data_path` (default `dataset`); `ml-100k` comes with RecBole.
        config_files: a path or the name of a file in properties/model, or several; later ones win.
        data: a DataFrame of pandas, polars or Arrow, or the path of a csv, tsv, json lines or parquet, or a list of
            them. It becomes a data set under `data_path`, called `dataset` if that is given; the run answers without.
        settings: values of configuration keys, as `--key=value` on the command line; with `data` also the options of
            `convert` (`user`, `item`, `rating`, `time`, ...).

    Returns:
        The finished run, whose directory is `path`.

    Raises:
        RecBoleExtError: of `recbole_ext.errors`, one class for each kind of error, with the message of the command
            line; Ctrl-C is an InterruptedRun, and the run can be resumed.
    """
    from recbole_ext.config.layers import file_names
    from recbole_ext.config.plain_values import plain_value
    from recbole_ext.errors import UsageError
    from recbole_ext.host_warnings import without_host_warnings
    from recbole_ext.pipeline.configure import check_data, data_root, resolve
    from recbole_ext.pipeline.own_table import TABLES, data_set_of, taken_options
    from recbole_ext.report.report import leave_report

    files = file_names(config_files)
    given = {key: value if key in TABLES else plain_value(value) for key, value in settings.items()}
    with _reported():
        if dataset is not None and not isinstance(dataset, str):
            raise UsageError(
                f"dataset must be a name (got {type(dataset).__name__}); a table of your own is data=TABLE"
            )
        options = taken_options(data, given)
        if data is not None:
            dataset = data_set_of(data, dataset, data_root(files, given), options, given.get("show_progress") is False)
        if dataset is None:
            raise UsageError("dataset, the name of a data set, or data, a table of your own, is needed")
        resolved = resolve(model, dataset, files, given)
        check_data(resolved)
        from recbole_ext.config.config import Config
        from recbole_ext.pipeline.train import run

        with without_host_warnings():
            result = run(Config(resolved), _command(model, dataset, files, given), at_end=leave_report)
    return load(result["run_directory"])


def convert(data: Any, output: str | Path = "dataset", name: str = "", **options: Any) -> Path:
    """Convert a table of one's own to a data set, as `recbole-data convert table` does.

    Args:
        data: a DataFrame of pandas, polars or Arrow, or the path of a csv, tsv, json lines or parquet, or a list of
            them.
        output: folder of data sets.
        name: of the data set; that of the first file, or `table`, unless given.
        options: `user`, `item`, `rating`, `time` (columns; guessed if left out), `time_unit`, `keep`, `rows`,
            `columns`, `users`, `items` (files or DataFrames), `user_key`, `item_key`, `item_separator`, `encoding`,
            `max_rejected`, `overwrite`, `quiet`, `threads`, `engine`.

    Returns:
        The folder, with the atomic files, the rejected rows and `NAME.summary.json`.

    Raises:
        UsageError, DataError, ResourceError: with the messages of the command line; nothing is left behind then.
    """
    from recbole_ext.pipeline.own_table import converted

    with _reported():
        return converted(data, output, name, **options)


@contextmanager
def _reported() -> Iterator[None]:
    """Errors as the command line reports them."""
    from recbole_ext.errors import reported, unwrapped

    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        known = reported(unwrapped(error))
        if known is None or known is error:
            raise
        raise known from error


def _command(model: str, dataset: str, files: list[str], given: dict[str, Any]) -> list[str]:
    """The command line that does the same."""
    words = [f"--model={model}", f"--dataset={dataset}"]
    words += [f"--config_files={' '.join(files)}"] if files else []
    return ["recbole-ext", *words, *(f"--{key}={value}" for key, value in given.items())]


def load(path: str | Path, data_path: str | Path | None = None, device: str | None = None) -> "Run":
    """Open a run, finished or not.

    Args:
        path: the directory that it left.
        data_path: raw data, which must be the run's; None: the data that the run stored.
        device: where to compute; None: where the run did, or on the best device here if that one is not.

    Raises:
        UsageError: no run left this directory.
    """
    from recbole_ext.serving.run import Run

    return Run(path, data_path, device)


def compare(
    runs: "Iterable[Run | str | Path] | Run | str | Path",
    metrics: list[str] | str | None = None,
    baseline: str | None = None,
) -> "Comparison":
    """Compare finished runs and experiments: values, differences, intervals and tests.

    Args:
        runs: at least one; "RUN,RUN,RUN" are the seeds of one entry.
        metrics: one or several; `"all"` for all, None for the one that chose the weights.
        baseline: name of the entry or non-learned baseline to which differences are taken; None for the first.

    Returns:
        Tables that print as `recbole-ext compare` does, and `as_frame()` for a DataFrame.

    Raises:
        UsageError: there is no such run, metric or baseline.
        DataError: a result is damaged.
    """
    from recbole_ext.comparison.compare import compare as compare_runs
    from recbole_ext.config.plain_values import several

    named = [str(getattr(run, "path", run)) for run in several(runs)]
    return compare_runs(named, several(metrics) or None, baseline)


def blend(
    runs: "Iterable[Run | str | Path] | Run | str | Path",
    method: str | None = None,
    weights: list[float] | None = None,
    data_path: str | Path | None = None,
    device: str | None = None,
) -> "Blend":
    """Finished runs of ranking models that recommend together, blended as the command `ensemble` does.

    Args:
        runs: two or more.
        method: `score` or `rank`; None for `score`.
        weights: one for each run, of sum 1; None to choose them on validation.
        data_path: where the runs' data is now; None: the data that they stored.
        device: where to compute; None: where each run did, or on the best device here if that one is not.

    Raises:
        UsageError: the runs cannot be blended.
        DataError: a result or a checkpoint is damaged, or the data has changed.
    """
    from recbole_ext.comparison.blend import Blend
    from recbole_ext.config.plain_values import several

    paths = [Path(str(getattr(run, "path", run))) for run in several(runs)]
    return Blend(paths, method, weights, None if data_path is None else str(data_path), device)
