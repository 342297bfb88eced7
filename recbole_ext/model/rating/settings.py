"""The settings of HybridVAE, and what is refused of them before any data is read."""

from dataclasses import dataclass
from typing import Any

from recbole_ext.config.key_settings import KeySettings
from recbole_ext.errors import UsageError, nearest

CHOICES = {
    "architecture": ("sets", "pairwise"),
    "loss": ("mse", "huber", "mae", "ordinal", "bpr", "mixed"),
    "initialization": ("xavier_normal", "xavier_uniform", "kaiming_normal", "normal"),
    "rating_normalization": ("none", "user", "user_item"),
    "time_context": ("both", "past", "none"),
    "batches_of": ("ratings", "users"),
}
IN_STARS = ("mse", "huber", "mae")
"""Losses that are errors of ratings."""
_NOT_NEGATIVE = (
    "ranking_weight",
    "kl_weight",
    "table_kl_weight",
    "kl_anneal_steps",
    "kl_cycle_steps",
    "free_bits",
    "embedding_l2",
    "latent_size",
    "attention_heads",
    "mixup_alpha",
)
_POSITIVE = ("embedding_size", "attention_reach", "prior_std")
_WIDTHS = ("tower_widths", "pairwise_widths")


@dataclass(frozen=True)
class LossSettings(KeySettings):
    """What is minimised; the fields are keys of HybridVAE.yaml."""

    loss: str
    label_smoothing: float
    ranking_weight: float
    kl_weight: float
    table_kl_weight: float
    kl_anneal_steps: int
    kl_cycle_steps: int
    free_bits: float
    embedding_l2: float


def check_settings(values: Any) -> None:
    """Refuse what HybridVAE cannot be made of.

    Args:
        values: a configuration, complete.

    Raises:
        UsageError: with one line per error.
    """
    faults = [
        f"{name} must be one of {', '.join(allowed)} (got {values[name]!r}){nearest(str(values[name]), allowed)}"
        for name, allowed in CHOICES.items()
        if values[name] not in allowed
    ]
    faults += [f"{name} must not be negative (got {values[name]})" for name in _NOT_NEGATIVE if values[name] < 0]
    faults += [f"{name} must be positive (got {values[name]})" for name in _POSITIVE if values[name] <= 0]
    faults += [fault for name in _WIDTHS for fault in _widths(name, values[name])]
    if faults := faults + _together(values):
        raise UsageError("\n".join(faults))


def _widths(name: str, widths: Any) -> list[str]:
    if all(isinstance(width, int) and width > 0 for width in widths):
        return []
    return [f"{name} must hold positive integers (got {widths})"]


def _together(values: Any) -> list[str]:
    """Values that do not go with each other."""
    faults, scale, heads = [], values["rating_scale"], values["attention_heads"]
    if values["label_smoothing"] and values["loss"] not in ("ordinal", "mixed"):
        faults.append(f"label_smoothing goes with loss ordinal or mixed (got {values['loss']!r}); leave it out")
    if values["latent_levels"] not in (1, 2):
        faults.append(f"latent_levels must be 1 or 2 (got {values['latent_levels']})")
    of_vectors = values["embedding_dropout_prob"]
    if of_vectors is not None and not 0 <= of_vectors < 1:
        faults.append(f"embedding_dropout_prob must be at least 0 and below 1 (got {of_vectors})")
    if scale and not (len(scale) == 2 and scale[0] < scale[1]):
        faults.append(f"rating_scale must be [lowest, highest] (got {scale})")
    if heads > 0 and values["embedding_size"] % heads:
        faults.append(f"attention_heads must divide embedding_size {values['embedding_size']} (got {heads})")
    if not values["item_sets"]:
        faults += [
            f"{name} reads the item's sets (got {values[name]}); leave item_sets on, or give --{name}={none}"
            for name, none in (("latent_size", 0), ("tower_widths", "[]"))
            if values[name] and values["architecture"] == "sets"
        ]
    if values["architecture"] == "pairwise":
        faults += _of_pairwise(values)
    return faults


def _of_pairwise(values: Any) -> list[str]:
    in_stars = values["loss"] in IN_STARS
    faults = [
        f"{name} goes with loss {', '.join(IN_STARS)}, which are errors in stars (got {values['loss']!r}); leave it out"
        for name, without in (("mixup_alpha", 0), ("rating_normalization", "none"))
        if values[name] != without and not in_stars
    ]
    if not values["latent_size"]:
        faults.append("latent_size must be positive with architecture pairwise, whose decoder reads z alone (got 0)")
    if not values["pairwise_widths"]:
        faults.append("pairwise_widths must hold one width at least (got [])")
    return faults
