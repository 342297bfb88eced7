"""The table of settings that some runs do not read, and what to use instead."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from recbole_ext.config.keys.item_keys import FIELD_KEYS, ITEM_VECTOR_MODELS
from recbole_ext.model_entry import ModelEntry

_AUTO_ENCODERS = ("MultiDAE", "MultiVAE", "MacridVAE", "CDAE", "ENMF", "RaCT", "RecVAE", "DiffRec", "LDiffRec")
"""Models that RecBole trains on whole rows of users, without sampled negatives."""

DERIVED = (
    "MODEL_TYPE",
    "MODEL_INPUT_TYPE",
    "eval_type",
    "single_spec",
    "valid_neg_sample_args",
    "test_neg_sample_args",
)
"""Keys that RecBole writes into its configuration."""


@dataclass(frozen=True)
class Facts:
    """What decides whether a setting is read.

    Attributes:
        entry: the model.
        values: the configuration before anything is derived from it.
    """

    entry: ModelEntry
    values: dict[str, Any]

    @cached_property
    def source(self) -> str:
        """Text that defines the model; "" where there is none."""
        return self.entry.source_text

    @property
    def sequential(self) -> bool:
        """Whether the model ranks by a sequence of events."""
        return self.entry.family == "sequential"

    @property
    def counts(self) -> bool:
        """Whether the model is computed in one pass, without steps of an optimiser."""
        return self.entry.family == "exlib" or self.entry.is_fitted

    @property
    def windows(self) -> bool:
        """Whether the model trains on windows, whose batches this package makes in the training process."""
        return self.entry.causal and self.values.get("train_mode") == "all_positions"

    @property
    def reads_features(self) -> bool:
        """Whether the model embeds columns of users and items."""
        layers = ("ContextSeqEmb", "FeatureSeqEmb", "FeatureEmb", "selected_features")
        return self.entry.family in ("context_aware", "exlib") or any(layer in self.source for layer in layers)

    @property
    def given_vectors(self) -> bool:
        """Whether vectors of items are named."""
        return bool(self.values.get("item_vectors") or self.values.get("preload_weight"))

    @property
    def reads_labels(self) -> bool:
        """Whether labels are learned, or decide what is relevant."""
        negatives = self.values.get("train_neg_sample_args")
        sampled = isinstance(negatives, dict) and negatives.get("distribution") not in (None, "none")
        mode = self.values["eval_args"].get("mode") if isinstance(self.values.get("eval_args"), dict) else None
        modes = mode.values() if isinstance(mode, dict) else [mode]
        learns = self.entry.family in ("context_aware", "exlib") or not (sampled or self.sequential)
        return learns or "labeled" in modes


@dataclass(frozen=True)
class Rule:
    """Keys that some runs do not read.

    Attributes:
        keys: of the configuration.
        unread: whether a run leaves them unread.
        advice: what is used instead; `{model}` and `{value}` are filled in.
        by_model: whether the model alone decides; then its `--help` does not list the keys.
    """

    keys: tuple[str, ...]
    unread: Callable[[Facts], bool]
    advice: str
    by_model: bool = True


IN_PROCESS = "batches of {model} are made in the training process"
IN_RANDOM_ORDER = "{model} makes its own batches, in a random order"
NO_SEQUENCE = ("MAX_ITEM_LIST_LENGTH", "ITEM_LIST_LENGTH_FIELD", "LIST_SUFFIX")
"""Keys of histories."""


def always(facts: Facts) -> bool:
    """Whatever the model and the settings are."""
    return True


def _without_fields(key: str) -> Callable[[Facts], bool]:
    """Whether a model leaves `item_fields` or `event_fields` unread."""
    return lambda facts: not facts.entry.reads_fields(key)


def without_sequence(unread: Callable[[Facts], bool]) -> Rule:
    """Keys of histories, for models that read none."""
    return Rule(NO_SEQUENCE, unread, "{model} reads no sequence of events")


OF_ROWS = (
    Rule(("filter_seen_items", "repeatable", "tested_users"), always, "{model} predicts rows and ranks no items"),
    Rule(("eval_memory_gb",), always, "{model} predicts rows; see eval_batch_size"),
    Rule(("train_neg_sample_args",), always, "{model} samples no negatives", by_model=False),
    Rule(("worker",), always, IN_PROCESS, by_model=False),
)
"""What tasks that predict rows, and rank nothing, leave unread."""


RULES = (
    Rule(("state",), always, "the terminal shows what matters, log.txt of the run the rest; tracebacks: --debug"),
    Rule(("checkpoint_dir",), always, "checkpoints lie in the directory of the run; choose its place by runs_dir"),
    Rule(
        ("save_dataset", "dataset_save_path", "save_dataloaders", "dataloaders_save_path"),
        always,
        "every run reads the files themselves; keep a split with: python -m dataset_tools split",
    ),
    Rule(("loss_decimal_place",), always, "metrics.csv holds the loss in full"),
    Rule(("valid_metric_bigger",), always, "valid_metric decides whether more is better"),
    Rule(("POSITION_FIELD",), always, "no model reads it"),
    Rule(DERIVED, always, "it follows from the model and the other settings"),
    Rule(
        ("world_size", "local_rank"),
        always,
        "several processes are started by: torchrun --nproc_per_node=N run_recbole_ext.py ...",
    ),
    Rule(("repeatable",), lambda f: f.sequential, "sequences: filter_seen_items: False keeps seen items as candidates"),
    Rule(
        ("train_mode", "window_overlap", "sample_weight", "gradient_checkpointing"),
        lambda f: not f.entry.causal,
        "it is for sequence models that train on windows, such as SS4Rec or SASRec",
    ),
    Rule(
        ("history_term", "history_field"),
        lambda f: not f.entry.takes_history_term,
        "SS4Rec, Mamba4Rec, SASRec and GRU4Rec have the term, and classes that derive from them",
    ),
    Rule(
        ("use_target_time",),
        lambda f: not f.entry.reads_target_time_with(f.values),
        "of all models SS4Rec reads the time of the target, and those with history_term: interval",
    ),
    Rule(("ssm_backend",), lambda f: not f.entry.own, "{model} has no state-space layer"),
    Rule(
        ("kg_reverse_r", "entity_kg_num_interval", "relation_kg_num_interval"),
        lambda f: f.entry.family != "knowledge_aware" and "kg_feat" not in f.source,
        "{model} reads no knowledge graph",
    ),
    Rule(
        ("numerical_features", "discretization"),
        lambda f: not f.reads_features,
        "{model} reads ids alone; a model of features is, for instance, DeepFM or SASRecF",
    ),
    Rule(("require_pow",), lambda f: "require_pow" not in f.source, "the loss of {model} has no such power"),
    Rule(
        ("preload_weight",),
        lambda f: "get_preload_weight" not in f.source and not f.entry.reads_item_vectors,
        "{model} takes no given vectors",
    ),
    Rule(
        ("item_vectors", "item_vectors_mode", "item_vectors_dropout", "cold_items"),
        lambda f: not f.entry.reads_item_vectors,
        f"{{model}} reads no vectors of items; {ITEM_VECTOR_MODELS} do",
    ),
    *(Rule((key,), _without_fields(key), "SS4Rec and Mamba4Rec read it") for key in FIELD_KEYS),
    Rule(("item_fields_mode",), _without_fields("item_fields"), "SS4Rec and Mamba4Rec read it"),
    Rule(("item_fields_mode",), lambda f: not f.values.get("item_fields"), "it goes with item_fields", by_model=False),
    Rule(("item_vectors_mode",), lambda f: not f.given_vectors, "it goes with item_vectors", by_model=False),
    Rule(
        ("item_vectors_dropout",),
        lambda f: not (f.given_vectors or f.values.get("item_fields")),
        "it goes with item_vectors or item_fields",
        by_model=False,
    ),
    Rule(
        ("learning_rate", "learner", "weight_decay", "clip_grad_norm", "lr_schedule", "averaging", "precision"),
        lambda f: f.counts,
        "{model} is computed without steps of an optimiser",
    ),
    Rule(
        ("threshold",),
        lambda f: not f.reads_labels,
        "{model} ranks by what users took; keep the rows from there on with val_interval, as in {example}",
        by_model=False,
    ),
    Rule(
        ("train_neg_sample_args",),
        lambda f: f.entry.registered in _AUTO_ENCODERS or f.entry.is_fitted,
        "{model} samples no negatives",
        by_model=False,
    ),
    Rule(("worker",), lambda f: f.windows, IN_PROCESS, by_model=False),
    Rule(("transform",), lambda f: not f.sequential, "{model} reads no sequence that could be transformed"),
    Rule(
        ("transform",),
        lambda f: f.windows,
        IN_RANDOM_ORDER,
        by_model=False,
    ),
    Rule(
        ("enable_scaler",),
        lambda f: not f.values.get("enable_amp"),
        "it is read with enable_amp: True; precision: fp16 scales in any case",
        by_model=False,
    ),
    Rule(
        ("torch_compile_mode",),
        lambda f: not f.values.get("torch_compile"),
        "it is read with torch_compile: True",
        by_model=False,
    ),
    Rule(
        ("wandb_project",), lambda f: not f.values.get("log_wandb"), "it is read with log_wandb: True", by_model=False
    ),
    Rule(
        ("gpu_id", "use_gpu"),
        lambda f: f.values.get("device") not in (None, "auto"),
        "device decides where the run computes",
        by_model=False,
    ),
    Rule(
        ("gpu_id",),
        lambda f: "," in str(f.values.get("gpu_id")) and f.values.get("device") in (None, "auto"),
        "a process uses the first GPU alone; for several: torchrun --nproc_per_node=N run_recbole_ext.py ...",
        by_model=False,
    ),
    Rule(
        ("tail_ratio",),
        lambda f: "tailpercentage" not in [str(name).lower() for name in f.values.get("metrics") or ()],
        "the metric TailPercentage reads it",
        by_model=False,
    ),
)
"""What runs of any task leave unread; a setting that only other models have is found without a rule."""
