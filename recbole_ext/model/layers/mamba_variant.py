"""Which Mamba a block of SS4Rec or Mamba4Rec is made of."""

from typing import Any

from recbole_ext.errors import UsageError
from recbole_ext.ssm import Mamba, Mamba2

VARIANTS = ("mamba1", "mamba2")


def mamba_variant(config: Any) -> Mamba | Mamba2:
    """The layer that `ssm_variant` names, (B, L, hidden_size) -> (B, L, hidden_size).

    Args:
        config: `ssm_variant`, `hidden_size`, `d_state`, `d_conv`, `expand` and, for mamba2, `head_dim`.

    Raises:
        UsageError: an unknown variant, or sizes that do not fit each other.
    """
    variant = config["ssm_variant"]
    if variant not in VARIANTS:
        raise UsageError(f"ssm_variant must be one of {', '.join(VARIANTS)} (got {variant!r})")
    sizes = {"d_state": config["d_state"], "d_conv": config["d_conv"], "expand": config["expand"]}
    try:
        if variant == "mamba1":
            return Mamba(config["hidden_size"], **sizes)
        return Mamba2(config["hidden_size"], head_dim=config["head_dim"], **sizes)
    except ValueError as error:
        raise UsageError(str(error)) from None
