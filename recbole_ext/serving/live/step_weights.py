"""The weights of SS4Rec and Mamba4Rec as the arrays that `step_kernel.py` reads."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from recbole_ext.model.mamba4rec import Mamba4Rec, Mamba4RecBlock
from recbole_ext.model.ss4rec import SS4Rec, SS4RecBlock
from recbole_ext.serving.live import step_kernel as kernel
from recbole_ext.ssm.mamba import Mamba
from recbole_ext.ssm.s5 import S5

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class StepWeights:
    """Arguments of `step_kernel.follow`; see there."""

    sizes: Array
    at: Array
    weights: Array
    norms: Array
    vectors: Array
    gap_vectors: Array

    @property
    def layer_size(self) -> int:
        """Floats of the state of a layer."""
        of = self.sizes
        mamba = (of[kernel.KERNEL] - 1 + of[kernel.STATES]) * of[kernel.INNER]
        return int(2 * of[kernel.MODES] + mamba)


def step_weights(model: Any) -> StepWeights | None:
    """The weights of a model; None for one that the compiled step does not compute (mamba2, a norm without weights)."""
    if not isinstance(model, SS4Rec | Mamba4Rec) or not all(map(_is_compiled, model.blocks)):
        return None
    flat, sizes = _Flat(), np.zeros(kernel.SIZES, dtype=np.int64)
    sizes[kernel.WIDTH], sizes[kernel.LAYERS] = model.item_embedding.embedding_dim, len(model.blocks)
    at = np.full((len(model.blocks), kernel.PARTS), -1, dtype=np.int64)
    for of_layer, block in zip(at, model.blocks, strict=True):
        _block(block, flat, of_layer, sizes)
    norms = [model.embedding_norm, getattr(model, "final_norm", nn.Identity())]
    places = np.array([place for norm in norms for place in flat.norm(norm)], dtype=np.int64)
    gap_embedding = getattr(model, "gap_embedding", None)
    vectors = _array(model.item_embedding.weight)
    gaps = vectors[:0] if gap_embedding is None else _array(gap_embedding.weight)
    return StepWeights(sizes, at, flat.array(), places, vectors, gaps)


def _is_compiled(block: Any) -> bool:
    return block.mamba is None or isinstance(block.mamba, Mamba)


class _Flat:
    """Collects arrays behind each other."""

    def __init__(self) -> None:
        self.parts, self.size = list[Array](), 0

    def add(self, tensor: Tensor) -> int:
        """Append; returns where it begins."""
        place, values = self.size, _array(tensor).reshape(-1)
        self.parts.append(values)
        self.size += len(values)
        return place

    def norm(self, norm: nn.Module) -> tuple[int, int]:
        """Gain and bias of a LayerNorm; -1 for none."""
        return (self.add(norm.weight), self.add(norm.bias)) if isinstance(norm, nn.LayerNorm) else (-1, -1)

    def array(self) -> Array:
        """All of it, with room for a whole vector at the end."""
        return np.concatenate([*self.parts, np.zeros(64, dtype=np.float32)])


def _array(tensor: Tensor) -> Array:
    return np.ascontiguousarray(tensor.detach().float().cpu().numpy())


def _padded(tensor: Tensor, dim: int = 0) -> Tensor:
    """Zeros appended along a dimension, up to a multiple of 16."""
    missing = list(tensor.shape)
    missing[dim] = -missing[dim] % 16
    return torch.cat([tensor, tensor.new_zeros(missing)], dim)


def _columns(weight: Tensor) -> Tensor:
    """(rows, columns) -> (columns, padded rows)."""
    return _padded(weight).T


def _block(block: nn.Module, flat: _Flat, at: Array, sizes: Array) -> None:
    if isinstance(block, SS4RecBlock):
        _ss4rec_block(block, flat, at, sizes)
    else:
        assert isinstance(block, Mamba4RecBlock)
        _mamba4rec_block(block, flat, at, sizes)


def _ss4rec_block(block: SS4RecBlock, flat: _Flat, at: Array, sizes: Array) -> None:
    sizes[kernel.MAMBA_RESIDUAL] = 1
    if block.s5 is not None:
        at[kernel.S5_GAIN], at[kernel.S5_BIAS] = flat.norm(block.s5_add.norm)
        sizes[kernel.PRE_NORM] = block.s5_add.before
        _s5(block.s5, flat, at, sizes)
    if isinstance(block.mamba, Mamba):
        at[kernel.MAMBA_GAIN], at[kernel.MAMBA_BIAS] = flat.norm(block.mamba_add.norm)
        sizes[kernel.PRE_NORM] = block.mamba_add.before
        _mamba(block.mamba, flat, at, sizes)
    if block.feed_forward is not None:
        at[kernel.FF_GAIN], at[kernel.FF_BIAS] = flat.norm(block.feed_forward_add.norm)
        gate, value = block.feed_forward.gate_and_value.weight.chunk(2)
        biases = block.feed_forward.gate_and_value.bias.chunk(2)
        sizes[kernel.FF], sizes[kernel.FF_KIND] = len(value), kernel.GATED
        at[kernel.FF_IN] = flat.add(torch.cat([_columns(gate), _columns(value)], 1))
        at[kernel.FF_IN_BIAS] = flat.add(torch.cat([_padded(bias) for bias in biases]))
        at[kernel.FF_OUT] = flat.add(_columns(block.feed_forward.out.weight))
        at[kernel.FF_OUT_BIAS] = flat.add(_padded(block.feed_forward.out.bias))


def _mamba4rec_block(block: Mamba4RecBlock, flat: _Flat, at: Array, sizes: Array) -> None:
    sizes[kernel.MAMBA_RESIDUAL] = block.residual
    at[kernel.MAMBA_GAIN], at[kernel.MAMBA_BIAS] = flat.norm(block.mamba_norm)
    assert isinstance(block.mamba, Mamba)
    _mamba(block.mamba, flat, at, sizes)
    first, second = (layer for layer in block.feed_forward if isinstance(layer, nn.Linear))
    at[kernel.FF_GAIN], at[kernel.FF_BIAS] = flat.norm(block.feed_forward_norm)
    sizes[kernel.FF], sizes[kernel.FF_KIND] = len(first.weight), kernel.GELU
    at[kernel.FF_IN], at[kernel.FF_IN_BIAS] = flat.add(_columns(first.weight)), flat.add(_padded(first.bias))
    at[kernel.FF_OUT], at[kernel.FF_OUT_BIAS] = flat.add(_columns(second.weight)), flat.add(_padded(second.bias))


def _s5(s5: S5, flat: _Flat, at: Array, sizes: Array) -> None:
    sizes[kernel.MODES] = s5.modes
    at[kernel.DECAY], at[kernel.FREQUENCY] = flat.add(torch.exp(s5.log_decay)), flat.add(s5.frequency)
    at[kernel.STEP_SCALE], at[kernel.S5_SKIP] = flat.add(torch.exp(s5.log_step)), flat.add(s5.D)
    at[kernel.S5_IN] = flat.add(_columns(s5.B.transpose(1, 2).flatten(0, 1)))  # rows: re, im of each mode in turn
    sign = s5.C.new_tensor([1.0, -1.0]) * (2 if s5.conjugate else 1)
    at[kernel.S5_OUT] = flat.add(_columns((s5.C * sign).flatten(1)))


def _mamba(mamba: Mamba, flat: _Flat, at: Array, sizes: Array) -> None:
    x, z = mamba.in_proj.weight.chunk(2)
    sizes[kernel.INNER], sizes[kernel.STATES] = len(_padded(x)), mamba.d_state
    sizes[kernel.KERNEL], sizes[kernel.RANK] = mamba.conv1d.kernel_size[0], mamba.dt_rank
    mix, bias = _columns(_padded(mamba.x_proj.weight, 1)), mamba.conv1d.bias
    sizes[kernel.MIXED] = mix.shape[1]
    at[kernel.IN] = flat.add(torch.cat([_columns(x), _columns(z)], 1))
    at[kernel.CONV] = flat.add(_columns(mamba.conv1d.weight.squeeze(1)))
    at[kernel.CONV_BIAS] = flat.add(_padded(torch.zeros(len(x)) if bias is None else bias))
    at[kernel.MIX], at[kernel.SKIP] = flat.add(mix), flat.add(_padded(mamba.D))
    at[kernel.DELTA], at[kernel.DELTA_BIAS] = (
        flat.add(_columns(mamba.dt_proj.weight)),
        flat.add(_padded(mamba.dt_proj.bias)),
    )
    at[kernel.RATE] = flat.add(_columns(-torch.exp(mamba.A_log) * math.log2(math.e)))
    at[kernel.OUT] = flat.add(_columns(_padded(mamba.out_proj.weight, 1)))
