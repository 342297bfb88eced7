"""What is refused of the settings of SS4Rec before any data is read; imports neither torch nor RecBole."""

from typing import Any

from recbole_ext.errors import UsageError


def check_settings(values: Any) -> None:
    """Refuse what the layers of SS4Rec cannot be made of.

    Args:
        values: a configuration, complete.

    Raises:
        UsageError: with one line per error.
    """
    faults = [*_steps(values), *_mamba(values)]
    if values["s5_state_size"] % 2:
        faults.append(f"s5_state_size must be even: its modes are conjugate pairs (got {values['s5_state_size']})")
    if values["label_smoothing"] and values["loss_type"] != "CE":
        faults.append(f"label_smoothing goes with loss_type CE alone (got {values['loss_type']!r}); leave it out")
    if faults:
        raise UsageError("\n".join(faults))


def _steps(values: Any) -> list[str]:
    low, high = values["dt_min"], values["dt_max"]
    return [] if low <= high else [f"dt_min must be at most dt_max (got {low}, {high})"]


def _mamba(values: Any) -> list[str]:
    width = values["expand"] * values["hidden_size"]
    if values["ssm_variant"] != "mamba2" or width % values["head_dim"] == 0:
        return []
    return [f"head_dim must divide expand * hidden_size, which is {width} (got {values['head_dim']})"]
