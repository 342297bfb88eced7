"""MDAFBST: the fusion of `mdaf` with a causal transformer over the history, in Mamba's place."""

from recbole_ext.model.mdaf import MDAF


class MDAFBST(MDAF):
    """`encoder: transformer` by default; see the equations of `recbole_ext.model.mdaf`."""
