"""The names of the back ends; free of torch, so that a setting is checked before it is imported."""

BACKENDS = ("reference", "parallel", "cpu", "triton", "mamba_ssm")
