"""MDAFMamba: the fusion of `mdaf` with Mamba over the history."""

from recbole_ext.model.mdaf import MDAF


class MDAFMamba(MDAF):
    """`encoder: mamba` by default; see the equations of `recbole_ext.model.mdaf`."""
