"""Errors in a configuration that are detected before any data is read; all are reported at once."""

from collections.abc import Callable
from typing import Any

from recbole_ext.config.boundary import boundary
from recbole_ext.config.keys.head_sizes import head_faults
from recbole_ext.config.keys.item_keys import item_key_faults
from recbole_ext.config.keys.layer_faults import KeyRules
from recbole_ext.config.keys.mappings import mapping_faults
from recbole_ext.config.keys.metric_kinds import METRIC_KINDS
from recbole_ext.config.keys.metric_modes import metric_faults
from recbole_ext.config.keys.model_keys import known_keys, own_key_faults
from recbole_ext.config.keys.negative_checks import negative_faults
from recbole_ext.config.keys.pretrained import pretrained_faults, start_faults
from recbole_ext.config.keys.replay import replay_faults
from recbole_ext.config.keys.schema import is_number
from recbole_ext.config.keys.separators import text_faults
from recbole_ext.config.keys.train_on import train_on_faults
from recbole_ext.config.layers import Layer, merge
from recbole_ext.config.seeds import read_seeds
from recbole_ext.device_names import device_fault
from recbole_ext.errors import UsageError, nearest
from recbole_ext.evaluation.criteria import criteria_faults
from recbole_ext.model_entry import ModelEntry
from recbole_ext.pipeline.own_table import OPTIONS
from recbole_ext.ssm.names import BACKENDS
from recbole_ext.tasks.ranking.data.recency_settings import RecencySettings
from recbole_ext.tasks.registered import task_of
from recbole_ext.training.cost.settings import CostSettings
from recbole_ext.training.optimization.averaging_settings import AveragingSettings
from recbole_ext.training.optimization.schedule_settings import ScheduleSettings
from recbole_ext.training.stage_list import read_stages

LEARNERS = ("adam", "adamw", "sgd", "adagrad", "rmsprop")
"""RecBole's `sparse_adam` needs a model of sparse embeddings alone, which none is; see `sparse_embedding`."""
CHOICES: dict[str, tuple[str, ...]] = {
    "time_order": ("exact", "recbole"),
    "tie_order": ("file", "random"),
    "time_unit": ("seconds", "milliseconds", "microseconds", "nanoseconds"),
    "train_mode": ("all_positions", "prefix"),
    "loss_type": ("CE", "sampled_softmax", "gBCE", "BPR"),
    "learner": LEARNERS,
    "ssm_variant": ("mamba1", "mamba2"),
    "precision": ("float32", "bf16", "fp16"),
    "weight_decay_on": ("weights", "all"),
    "gate": ("scalar", "vector", "softmax", "none"),
    "encoder": ("mamba", "transformer", "mean", "none"),
    "history_from": ("train", "before"),
    "implicit_sets": ("none", "before", "train"),
    "next_in_time": ("both", "past", "none"),
    "block": ("pre_norm", "post_norm"),
    "gap_transform": ("log1p", "linear", "none"),
    "sublayers": ("s5_mamba", "s5", "mamba"),
    "negative_distribution": ("uniform", "popularity"),
    "history_term": ("none", "seen", "recency", "interval"),
    "item_vectors_mode": ("init", "frozen", "projected", "added"),
    "item_fields_mode": ("summed", "gated"),
    "torch_compile_mode": ("default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs"),
}
_CHOSEN_BY_MODELS = ("loss_type", "gate", "encoder", "block", "sublayers")
"""Keys that mean other things in models of RecBole and of users."""
HOST_LOSSES = ("CE", "BPR")


def check(entry: ModelEntry, layers: list[Layer], values: dict[str, Any]) -> None:
    """Refuse unknown keys, wrong types and impossible values of the user's layers.

    Raises:
        UsageError: with one line per error.
    """
    defaults = merge([layer for layer in layers if not layer.user])[0]
    rules = KeyRules(entry, known_keys(entry, layers), defaults, OPTIONS)
    found = [{} if layer.shipped else rules.faults(layer) for layer in layers]
    faults = [line for by_key in found for lines in by_key.values() for line in lines]
    if faults:  # the rules are of values that are right by themselves
        layers = [layer.without(by_key) for layer, by_key in zip(layers, found, strict=True)]
        values = merge(layers)[0]
    faults += [fault for rule in _RULES for fault in rule(entry, layers, values)]
    if faults:
        raise UsageError("\n".join(faults))


def _choices(entry: ModelEntry, layers: list[Layer], values: dict[str, Any]) -> list[str]:
    faults = []
    for name, allowed in CHOICES.items():
        value = values.get(name)
        ours = (entry.own and not entry.reference) or name not in _CHOSEN_BY_MODELS
        if ours and value is not None and str(value).lower() not in [a.lower() for a in allowed]:
            faults.append(f"{name} must be one of {', '.join(allowed)} (got {value!r}){nearest(str(value), allowed)}")
    backend = values.get("ssm_backend")
    if backend not in ("auto", *BACKENDS):
        faults.append(f"ssm_backend must be one of auto, {', '.join(BACKENDS)} (got {backend!r})")
    device = str(values.get("device") or "auto")
    return faults + [fault for fault in [device_fault(device)] if fault and device != "auto"]


def _loss_of_host(entry: ModelEntry, layers: list[Layer], values: dict[str, Any]) -> list[str]:
    """RecBole's sequential models with a choice have these two."""
    loss = values.get("loss_type")
    if entry.own or entry.reference or entry.family != "sequential" or loss is None or loss in HOST_LOSSES:
        return []
    return [f"loss_type must be one of {', '.join(HOST_LOSSES)} (got {loss!r}){nearest(str(loss), HOST_LOSSES)}"]


def _baselines(entry: ModelEntry, layers: list[Layer], values: dict[str, Any]) -> list[str]:
    known = task_of(entry).baseline_names(entry, [str(name) for name in _metric_names(values)])
    wrong = [name for name in values.get("baselines") or [] if name not in known]
    if wrong and not known:
        return [f"baselines: {entry.name} has none to be compared with (got {values['baselines']!r}); leave it out"]
    return [f"baselines must be among {', '.join(known)} (got {n!r}){nearest(str(n), known)}" for n in wrong]


def _metric_names(values: dict[str, Any]) -> list[Any]:
    return values["metrics"] if isinstance(values["metrics"], list) else [values["metrics"]]


def _metrics(entry: ModelEntry, layers: list[Layer], values: dict[str, Any]) -> list[str]:
    names = _metric_names(values)
    faults = [
        f"there is no metric named {n!r}{nearest(str(n), METRIC_KINDS)} All names: {', '.join(sorted(METRIC_KINDS))}"
        for n in names
        if str(n).lower() not in METRIC_KINDS
    ]
    chosen, _, cutoff = str(values["valid_metric"]).partition("@")
    cutoffs = values["topk"] if isinstance(values["topk"], list) else [values["topk"]]
    if chosen.lower() not in [str(n).lower() for n in names]:
        faults.append(f"valid_metric {values['valid_metric']!r} must be one of metrics ({', '.join(map(str, names))})")
    elif cutoff and cutoff not in [str(k) for k in cutoffs]:
        faults.append(f"valid_metric {values['valid_metric']!r} needs {cutoff} among topk (got {values['topk']})")
    faults += [
        f"topk must hold positive integers (got {k!r})"
        for k in cutoffs
        if not isinstance(k, int) or isinstance(k, bool) or k <= 0
    ]
    return faults


def _metrics_of_task(entry: ModelEntry, layers: list[Layer], values: dict[str, Any]) -> list[str]:
    return metric_faults(entry.name, task_of(entry).metrics(entry), values)


def _of_task(entry: ModelEntry, layers: list[Layer], values: dict[str, Any]) -> list[str]:
    return task_of(entry).faults(entry, layers, values)


def _columns(entry: ModelEntry, layers: list[Layer], values: dict[str, Any]) -> list[str]:
    """Users and items are two columns, which every run uses."""
    ids = values["USER_ID_FIELD"], values["ITEM_ID_FIELD"]
    unused = (values.get("unused_col") or {}).get("inter") or []
    faults = [f"unused_col: inter must not name {name!r}, which every run uses" for name in ids if name in unused]
    if ids[0] == ids[1]:
        faults.append(f"ITEM_ID_FIELD must be another column than USER_ID_FIELD (got {ids[0]!r} for both)")
    return faults


def _epochs(entry: ModelEntry, layers: list[Layer], values: dict[str, Any]) -> list[str]:
    """No epoch at all evaluates the model as it was made; of boosted trees nothing is made without one."""
    epochs: Any = values.get("epochs")
    least = 1 if entry.family == "exlib" else 0
    return [f"epochs must be at least {least} (got {epochs!r})"] if is_number(epochs) and not epochs >= least else []


def _precision(entry: ModelEntry, layers: list[Layer], values: dict[str, Any]) -> list[str]:
    """RecBole's switch for mixed precision beside a precision of the user's own."""
    named = any(layer.user and "precision" in layer.values for layer in layers)
    if named and values.get("enable_amp") and values.get("precision") == "float32":
        return ["enable_amp: True and precision: float32 exclude each other; leave one of them out"]
    return []


def _read_early(entry: ModelEntry, layers: list[Layer], values: dict[str, Any]) -> list[str]:
    """What parts of a run read when they are made, which is after the data."""
    faults = []
    settings = (ScheduleSettings.read, AveragingSettings.read, RecencySettings.read, CostSettings.read, read_stages)
    for read in (*settings, entry.check_settings):
        try:
            read(values)
        except UsageError as error:
            faults.append(str(error))
        except TypeError:  # a value of a wrong type is named by its own rule
            continue
    return faults


def _mappings(entry: ModelEntry, layers: list[Layer], values: dict[str, Any]) -> list[str]:
    """Errors of declared types, in values of the user and of the data set's own file."""
    return mapping_faults(values)


def _order_of_time(entry: ModelEntry, layers: list[Layer], values: dict[str, Any]) -> list[str]:
    """Where the order of rows is not free."""
    given = values.get("eval_args")
    if not isinstance(given, dict) or given.get("order") == "TO":
        return []
    if entry.family == "sequential":
        return [f"eval_args: order must be TO for sequential models (got {given.get('order')!r})"]
    if isinstance(given.get("split"), dict) and "TS" in given["split"]:
        return [f"eval_args: order must be TO where split is TS, which is by time (got {given.get('order')!r})"]
    return []


def _split_of_a_cut(entry: ModelEntry, layers: list[Layer], values: dict[str, Any]) -> list[str]:
    """A data set cut into files is split already."""
    splits = [(layer.user, layer.values["eval_args"].get("split")) for layer in layers if _splits(layer)]
    unasked = [split for user, split in splits if not user][-1:]
    if values.get("benchmark_filename") and any(user and [split] != unasked for user, split in splits):
        parts = ", ".join(map(str, values["benchmark_filename"]))
        return [f"eval_args: split has no meaning here: the data set is cut into files ({parts}); leave it out"]
    return []


def _splits(layer: Layer) -> bool:
    return isinstance(layer.values.get("eval_args"), dict) and "split" in layer.values["eval_args"]


def _criteria(entry: ModelEntry, layers: list[Layer], values: dict[str, Any]) -> list[str]:
    task = task_of(entry)
    faults = criteria_faults(values, task.further_metrics, task.criteria_names)
    sample = values.get("train_sample")
    if sample != "valid" and (not isinstance(sample, int) or sample < 0):
        faults.append(f"train_sample must be a number of rows, 0 for none, or valid (got {sample!r})")
    try:
        read_seeds(values.get("seeds"))
    except UsageError as error:
        faults.append(str(error))
    return faults


_RULES: tuple[Callable[[ModelEntry, list[Layer], dict[str, Any]], list[str]], ...] = (
    _choices,
    _loss_of_host,
    _baselines,
    train_on_faults,
    _metrics,
    _metrics_of_task,
    _columns,
    _epochs,
    head_faults,
    _precision,
    _read_early,
    negative_faults,
    _mappings,
    _order_of_time,
    pretrained_faults,
    start_faults,
    replay_faults,
    _split_of_a_cut,
    _criteria,
    boundary,
    text_faults,
    _of_task,
    own_key_faults,
    item_key_faults,
)
