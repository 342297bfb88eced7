"""What a tuning was asked for: its options, the run's configuration and the space, all checked before Ray starts."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset_tools.files.schema import NUMBER, OBJECT, TEXT, WHOLE, FileKind, damaged, list_of, record
from recbole_ext.config.keys.model_keys import known_keys
from recbole_ext.config.keys.train_on import TRAIN
from recbole_ext.config.layers import Layer, default_layers, file_names
from recbole_ext.config.resolved import Resolved, data_folder
from recbole_ext.config.yaml_reader import read_yaml, yaml_text
from recbole_ext.errors import UsageError, nearest
from recbole_ext.files import write_atomically
from recbole_ext.pipeline.configure import resolve
from recbole_ext.registry import find_model
from recbole_ext.training.stage_list import read_stages
from recbole_ext.tuning.space import Parameter, space_of
from recbole_ext.tuning.space_file import read_space

if TYPE_CHECKING:
    from recbole_ext.config.config import Config

SCHEDULERS = ("asha", "none")
SEARCHERS = ("tpe", "random")
_MEASURED = """protocol time_order tie_order filter_seen_items candidate_seed tested_users use_target_time
    eval_args topk metrics valid_metric baselines load_col benchmark_filename rating_scale normalize_all val_interval
    user_inter_num_interval item_inter_num_interval threshold rm_dup_inter filter_inter_by_user_or_item repeatable
    unload_col normalize_field time_unit USER_ID_FIELD ITEM_ID_FIELD RATING_FIELD TIME_FIELD LABEL_FIELD""".split()
_PLACES = "model dataset data_path runs_dir device torch_threads".split()
NOT_TUNED = {
    **dict.fromkeys(("seed", "split_seed"), "the best of several seeds is luck; tune with one, then compare seeds"),
    **dict.fromkeys(("epochs", "stages"), "it is the budget of every trial; give it as --epochs=N"),
    **dict.fromkeys(_MEASURED, "it changes what is measured, so the scores of trials could not be compared"),
    **dict.fromkeys(("train_on", "final_of"), "trials are judged by validation; train the best one on all rows"),
    **dict.fromkeys(_PLACES, "it is no setting of a model"),
}
"""Keys that no space may hold, and why."""
_ALSO = {"ray_address", "tune_dir"}


_FILE = FileKind(
    record(
        {"model": TEXT, "dataset": TEXT, "space": OBJECT},
        config_files=list_of(TEXT),
        given=OBJECT,
        trials=WHOLE,
        scheduler=TEXT,
        grace_epochs=WHOLE,
        reduction_factor=NUMBER,
        searcher=TEXT,
        cpus_per_trial=WHOLE,
        gpus_per_trial=NUMBER,
        max_concurrent=WHOLE,
        max_failures=WHOLE,
        keep_best=WHOLE,
    ),
    "restore the file from a copy, or begin another tuning",
)
"""`tune.yaml`."""


@dataclass(frozen=True)
class Settings:
    """One tuning.

    Attributes:
        model, dataset, config_files, given: of every run; `given` are the keys of the command line.
        space: key to `{kind: values}`.
        trials: how many are tried.
        scheduler: `asha` stops poor trials early, `none` lets each one continue.
        grace_epochs: asha: epochs that every trial gets; 0 for a sixth of them, at least 1.
        reduction_factor: asha: one of so many continues at each rung.
        searcher: `tpe` or `random`.
        cpus_per_trial: cores of a trial, and its threads.
        gpus_per_trial: GPUs of a trial; 0.25 lets four trials share one.
        max_concurrent: how many trials run at once at most; 0 for as many as fit.
        max_failures: how often a trial is begun again after a failure.
        keep_best: of how many of the best trials checkpoints stay.
    """

    model: str
    dataset: str
    space: dict[str, Any]
    config_files: list[str] = field(default_factory=list)
    given: dict[str, Any] = field(default_factory=dict)
    trials: int = 20
    scheduler: str = "asha"
    grace_epochs: int = 0
    reduction_factor: float = 3
    searcher: str = "tpe"
    cpus_per_trial: int = 1
    gpus_per_trial: float = 0
    max_concurrent: int = 0
    max_failures: int = 2
    keep_best: int = 1

    def parameters(self) -> list[Parameter]:
        """The space, parsed."""
        return space_of(self.space, "tune.yaml")

    def resolved(
        self, values: dict[str, Any], source: str = "tune.yaml", lines: dict[str, int] | None = None
    ) -> Resolved:
        """The checked configuration of a run with these values of the space.

        Args:
            values: above those of the command line.
            source, lines: where they come from, for messages.
        """
        above = Layer(source, values, lines or {}, user=True)
        return resolve(self.model, self.dataset, self.config_files, self.given, above)

    def config(
        self, values: dict[str, Any], source: str = "tune.yaml", lines: dict[str, int] | None = None
    ) -> "Config":
        """The same, as a run reads it."""
        from recbole_ext.config.config import Config  # imports RecBole and torch, which takes seconds

        return Config(self.resolved(values, source, lines))

    def write(self, folder: Path) -> None:
        """`tune.yaml`."""
        text = yaml_text(asdict(self))
        write_atomically(folder / "tune.yaml", text.encode())

    @classmethod
    def read(cls, folder: Path) -> "Settings":
        """What `write` wrote.

        Raises:
            DataError: the file is damaged.
        """
        path = folder / "tune.yaml"
        try:
            found = read_yaml(path)[0]
        except UsageError as error:
            raise damaged(path, str(error).replace(str(path), "").strip(": "), _FILE.again) from None
        found = _FILE.checked(found, path)
        return cls(**{name: found[name] for name in cls.__dataclass_fields__ if name in found})


OPTIONS = tuple(name for name in Settings.__dataclass_fields__ if name != "given")
"""Options of the command that are not keys of a run, in addition to --metric, --tune-dir and --ray-address."""


def settings_of(given: dict[str, Any]) -> Settings:
    """Settings from the words of the command line.

    Raises:
        UsageError: something is missing, unknown, of a wrong type, or refused by the configuration.
    """
    rest = {key: value for key, value in given.items() if key not in _ALSO}
    for name in ("model", "dataset", "space"):
        if not rest.get(name):
            raise UsageError(f"tune needs --{name}; for instance: tune --model=SS4Rec --dataset=ml-100k --space=SS4Rec")
    options = {name: rest.pop(name) for name in OPTIONS if name in rest}
    if "metric" in rest:
        rest["valid_metric"] = str(rest.pop("metric"))
    parameters, source = read_space(str(options["space"]))
    options["space"] = {parameter.name: parameter.as_setting() for parameter in parameters}
    options["config_files"] = file_names(options.get("config_files"))
    settings = Settings(**options, given=rest)
    _check_options(settings)
    keys = _keys(settings)
    _check_given(settings, keys)
    _check_space(settings, parameters, source, keys)
    return settings


def _keys(settings: Settings) -> set[str]:
    entry = find_model(settings.model)
    root = str(settings.given.get("data_path") or "dataset")
    layers = default_layers(entry, settings.dataset, data_folder(root, settings.dataset))
    return set(known_keys(entry, layers))


def _check_options(settings: Settings) -> None:
    faults = [
        f"--{name} must be one of {', '.join(allowed)} (got {value!r}){nearest(str(value), allowed)}"
        for name, value, allowed in (
            ("scheduler", settings.scheduler, SCHEDULERS),
            ("searcher", settings.searcher, SEARCHERS),
        )
        if value not in allowed
    ]
    least = {
        "trials": 1,
        "cpus_per_trial": 1,
        "max_failures": 0,
        "keep_best": 1,
        "grace_epochs": 0,
        "max_concurrent": 0,
    }
    faults += [
        f"--{name} must be an integer of at least {low} (got {getattr(settings, name)!r})"
        for name, low in least.items()
        if type(getattr(settings, name)) is not int or getattr(settings, name) < low
    ]
    if not _number(settings.gpus_per_trial) or not 0 <= settings.gpus_per_trial:
        faults.append(f"--gpus_per_trial must be a number of at least 0 (got {settings.gpus_per_trial!r})")
    if not _number(settings.reduction_factor) or not settings.reduction_factor > 1:
        faults.append(f"--reduction_factor must be a number above 1 (got {settings.reduction_factor!r})")
    if faults:
        raise UsageError("\n".join(faults))


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_given(settings: Settings, keys: set[str]) -> None:
    options = {*OPTIONS, *_ALSO, "metric"}
    unknown = [key for key in settings.given if key not in keys]
    if unknown:
        messages = (f"command line: unknown key or option '{key}'{nearest(key, keys | options)}" for key in unknown)
        raise UsageError("\n".join(messages))
    if "runs_dir" in settings.given:
        raise UsageError("--runs_dir has no meaning here: the runs of a tuning lie in its own folder; see --tune-dir")


def _check_space(settings: Settings, parameters: list[Parameter], source: str, keys: set[str]) -> None:
    """Every key is known and may be tuned, and the configuration takes every choice and both ends of every range."""
    faults = []
    for parameter in parameters:
        name, where = parameter.name, _where(source, parameter)
        if name in NOT_TUNED:
            faults.append(f"{where}: {name} is not tuned: {NOT_TUNED[name]}")
        elif name not in keys:
            faults.append(f"{where}: unknown key '{name}' of {settings.model}{nearest(name, keys)}")
        elif name in settings.given:
            faults.append(f"{where}: {name} is given on the command line too; leave it out of one of them")
    if faults:
        raise UsageError("\n".join(faults))
    first = {parameter.name: parameter.ends()[0] for parameter in parameters}
    checked = _check_values(settings, parameters, source, first)
    trained = checked["train_on"]
    if trained != TRAIN:
        raise UsageError(f"train_on: {trained} leaves no validation, by which trials are judged; leave it out")
    if epochs_of(checked) < 1:
        raise UsageError("--epochs must be at least 1 here: a trial is judged by its epochs (got 0)")
    others = [(parameter, value) for parameter in parameters for value in parameter.ends()[1:]]
    for parameter, value in others:
        _check_values(settings, [parameter], source, {**first, parameter.name: value})
    from recbole_ext.config.config import Config  # imports RecBole, which has conditions of its own

    _check_values(settings, parameters, source, first, Config)
    for parameter, value in others:
        _check_values(settings, [parameter], source, {**first, parameter.name: value}, Config)


def _where(source: str, parameter: Parameter) -> str:
    return f"{source}:{parameter.line}" if parameter.line else source


def _check_values(
    settings: Settings,
    changed: list[Parameter],
    source: str,
    values: dict[str, Any],
    made: Callable[[Resolved], Any] = lambda resolved: resolved,
) -> Any:
    """The configuration with these values; an error names the line of the parameter that it is about.

    Args:
        settings: of the tuning.
        changed: parameters that an error may be about.
        source: of the space, for messages.
        values: of the space.
        made: what is made of the checked configuration.
    """
    lines = {parameter.name: parameter.line for parameter in changed if parameter.line}
    try:
        return made(settings.resolved(values, source, lines))
    except UsageError as error:
        message = str(error)
        guilty = [parameter for parameter in changed if parameter.name in message]
        if not guilty:
            raise
        name, where = guilty[0].name, _where(source, guilty[0])
        message = message.removeprefix(f"{where}: ")
        raise UsageError(f"{where}: with {name}={values[name]!r}: {message}") from None


def epochs_of(config: Any) -> int:
    """Epochs of a run, over its stages if it has some."""
    return sum(stage.epochs for stage in read_stages(config)) or config["epochs"]
