"""Keys of a rating model that its other settings leave without effect: those of the other architecture are refused."""

from typing import Any

from recbole_ext.config.keys.unread import changed_settings
from recbole_ext.config.keys.unread_rules import Facts, Rule
from recbole_ext.config.layers import Layer
from recbole_ext.model_entry import ModelEntry


def _pairwise(facts: Facts) -> bool:
    return facts.values.get("architecture") == "pairwise"


def _one_level(facts: Facts) -> bool:
    return _pairwise(facts) and facts.values.get("latent_levels") == 1


REFUSED = (
    Rule(
        (
            *("hidden_size", "attention_heads", "attention_reach", "tower_widths", "time_context", "table_kl_weight"),
            *("variational", "prior_std", "item_sets", "leave_one_out"),
        ),
        _pairwise,
        "architecture pairwise, which sees no other ratings and whose vectors are points",
    ),
    Rule(("side_features", "time_features"), _one_level, "architecture pairwise, which reads it for latent_levels: 2"),
    Rule(
        ("pairwise_widths", "skip_connections", "initialization", "rating_normalization", "mixup_alpha"),
        lambda facts: facts.values.get("architecture") == "sets",
        "architecture sets, whose layers are linear or of one hidden layer",
    ),
)
"""Keys, the runs in which they are refused, and why."""
UNREAD = (
    Rule(("attention_reach",), lambda f: not f.values.get("attention_heads"), "attention_heads is 0", by_model=False),
    Rule(
        ("kl_weight", "free_bits", "latent_levels"),
        lambda f: not f.values.get("latent_size"),
        "latent_size is 0, so there is no z",
        by_model=False,
    ),
    Rule(("ranking_weight",), lambda f: f.values.get("loss") != "mixed", "it is read with loss: mixed", by_model=False),
    Rule(
        ("kl_cycle_steps",),
        lambda f: not f.values.get("kl_anneal_steps"),
        "a cycle begins with kl_anneal_steps, which is 0",
        by_model=False,
    ),
)
"""Keys that some runs of a rating model do not read, which is reported."""


def architecture_faults(entry: ModelEntry, layers: list[Layer], values: dict[str, Any]) -> list[str]:
    """Settings of the user that the architecture does not have, a line each."""
    facts = Facts(entry, values)
    return [
        f"{layer.origin(key)}: {key} has no meaning with {rule.advice} (got {values[key]!r}); leave it out"
        for key, layer in changed_settings(layers, values).items()
        for rule in REFUSED
        if key in rule.keys and rule.unread(facts)
    ]
