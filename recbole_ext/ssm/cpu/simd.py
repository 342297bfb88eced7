"""Vectors of float32 inside numba: the few operations the CPU kernels are written in.

A `Vector` holds LANES floats in one register. LLVM turns it into AVX-512, AVX2 or NEON instructions, whatever
the machine has, so speed does not depend on which loops a compiler recognises as vectorisable.

Numba caches a kernel by the time stamp of its own file: after a change here or in `shares.py`, touch
`selective.py`, `diagonal.py` and `convolution.py`.
"""

from collections.abc import Callable
from typing import Any

import llvmlite.binding
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.extending import intrinsic, register_model

LANES = 16 if llvmlite.binding.get_host_cpu_features().get("avx512f") else 8

_FLOATS = ir.VectorType(ir.FloatType(), LANES)
_INTEGERS = ir.VectorType(ir.IntType(32), LANES)

# 2^f = 1 + f (c_0 + c_1 f + ...) on [-1/2, 1/2]; least maximum relative error, 9e-8
_EXP2 = (0.69314697759847, 0.24022242084919, 0.05550733744245, 0.00967151266057, 0.00132647268990)
_LOG2_E = 1.4426950408889634
_ROUND = 12582912.0  # 1.5 * 2^23: adding it to a small float rounds that to an integer, held in the low bits

_Generator = Callable[[Any, Any, Any, Any], Any]
_Typed = tuple[Any, _Generator]


class _VectorType(types.Type):
    """The numba type of a register of LANES float32."""


Vector = _VectorType(name=f"float32x{LANES}")


@register_model(_VectorType)
class _VectorModel(models.PrimitiveModel):
    """A vector is one LLVM value."""

    def __init__(self, manager: Any, numba_type: Any) -> None:
        super().__init__(manager, numba_type, _FLOATS)


def _address(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    """Pointer to the vector that starts at `array[index]`."""
    data = cgutils.create_struct_proxy(array_type)(context, builder, value=array).data
    return builder.bitcast(builder.gep(data, [index]), _FLOATS.as_pointer())


def _constant(value: float) -> ir.Constant:
    """A vector with the constant in each lane."""
    return ir.Constant(_FLOATS, [value] * LANES)


def _shuffle(builder: Any, x: Any, lanes: list[int]) -> Any:
    """A vector of the named lanes of x."""
    mask = ir.Constant(_INTEGERS, [ir.Constant(ir.IntType(32), lane) for lane in lanes])
    return builder.shuffle_vector(x, x, mask)


def _multiply_add(builder: Any, x: Any, y: Any, z: Any) -> Any:
    """x y + z, in one instruction where the machine has it."""
    kind = ir.FunctionType(_FLOATS, [_FLOATS] * 3)
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"llvm.fmuladd.v{LANES}f32"), [x, y, z])


@intrinsic
def load(typing_context: Any, array: Any, index: Any) -> _Typed:
    """LANES floats of a flat array from an index on."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(_address(context, builder, signature.args[0], *arguments), align=4)

    return Vector(array, types.intp), generate


@intrinsic
def store(typing_context: Any, array: Any, index: Any, vector: Any) -> _Typed:
    """Write LANES floats into a flat array from an index on."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, index, vector = arguments
        builder.store(vector, _address(context, builder, signature.args[0], array, index), align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, Vector), generate


@intrinsic
def zero(typing_context: Any) -> _Typed:
    """A vector of zeros."""
    return Vector(), lambda context, builder, signature, arguments: _constant(0.0)


@intrinsic
def broadcast(typing_context: Any, scalar: Any) -> _Typed:
    """A vector with the float32 in each lane."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        first = builder.insert_element(_constant(0.0), arguments[0], ir.Constant(ir.IntType(32), 0))
        return _shuffle(builder, first, [0] * LANES)

    return Vector(types.float32), generate


@intrinsic
def multiply(typing_context: Any, x: Any, y: Any) -> _Typed:
    """x y."""
    return Vector(Vector, Vector), lambda context, builder, signature, xy: builder.fmul(*xy)


@intrinsic
def multiply_add(typing_context: Any, x: Any, y: Any, z: Any) -> _Typed:
    """x y + z."""
    return Vector(Vector, Vector, Vector), lambda context, builder, sig, xyz: _multiply_add(builder, *xyz)


def _exp2(builder: Any, x: Any) -> Any:
    """2^x for x <= 0."""
    floor = _constant(-127.0)
    x = builder.select(builder.fcmp_unordered(">", x, floor), x, floor)  # unordered: NaN passes
    shifted = builder.fadd(x, _constant(_ROUND))
    f = builder.fsub(x, builder.fsub(shifted, _constant(_ROUND)))
    power = _constant(_EXP2[-1])
    for coefficient in (*_EXP2[-2::-1], 1.0):
        power = _multiply_add(builder, power, f, _constant(coefficient))
    exponent = builder.shl(builder.bitcast(shifted, _INTEGERS), ir.Constant(_INTEGERS, [23] * LANES))
    return builder.bitcast(builder.add(builder.bitcast(power, _INTEGERS), exponent), _FLOATS)


@intrinsic
def exp2(typing_context: Any, x: Any) -> _Typed:
    """2^x for x <= 0: within two units in the last place; exactly 0 from -127 down; NaN of NaN."""
    return Vector(Vector), lambda context, builder, signature, x: _exp2(builder, *x)


@intrinsic
def sigmoid(typing_context: Any, x: Any) -> _Typed:
    """1 / (1 + e^-x), computed from e^-|x| so that nothing overflows."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (x,) = arguments
        sign = ir.Constant(_INTEGERS, [-(2**31)] * LANES)
        negative = builder.bitcast(builder.or_(builder.bitcast(x, _INTEGERS), sign), _FLOATS)  # -|x|
        power = _exp2(builder, builder.fmul(negative, _constant(_LOG2_E)))
        share = builder.fdiv(_constant(1.0), builder.fadd(power, _constant(1.0)))
        return builder.select(builder.fcmp_ordered(">=", x, _constant(0.0)), share, builder.fmul(power, share))

    return Vector(Vector), generate


@intrinsic
def total(typing_context: Any, x: Any) -> _Typed:
    """Sum of the lanes."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (x,) = arguments
        width = LANES
        while width > 1:
            width //= 2
            x = builder.fadd(x, _shuffle(builder, x, [width + i % width for i in range(LANES)]))
        return builder.extract_element(x, ir.Constant(ir.IntType(32), 0))

    return types.float32(Vector), generate


@intrinsic
def maximum(typing_context: Any, x: Any, y: Any) -> _Typed:
    """The larger of x and y in each lane; y where one is NaN."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        x, y = arguments
        return builder.select(builder.fcmp_ordered(">", x, y), x, y)

    return Vector(Vector, Vector), generate


@intrinsic
def greatest(typing_context: Any, x: Any) -> _Typed:
    """The largest of the lanes."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (x,) = arguments
        width = LANES
        while width > 1:
            width //= 2
            other = _shuffle(builder, x, [width + i % width for i in range(LANES)])
            x = builder.select(builder.fcmp_ordered(">", x, other), x, other)
        return builder.extract_element(x, ir.Constant(ir.IntType(32), 0))

    return types.float32(Vector), generate
