"""Registers of LANES int32 inside numba, and the one operation the 8-bit search is made of: sums of pairs of products.

On AVX2 that is VPMADDWD: 16 products of 16 bits, added in pairs to 8 sums of 32 bits.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.extending import intrinsic, register_model

from recbole_ext.ssm.cpu.simd import LANES, Vector

_SUMS = ir.VectorType(ir.IntType(32), LANES)
_SHORTS = ir.VectorType(ir.IntType(16), 2 * LANES)
_WIDE = ir.VectorType(ir.IntType(32), 2 * LANES)
_BYTES = ir.VectorType(ir.IntType(8), 2 * LANES)


class _SumsType(types.Type):
    """The numba type of a register of LANES int32."""


Sums = _SumsType(name=f"int32x{LANES}")


@register_model(_SumsType)
class _SumsModel(models.PrimitiveModel):
    """A register is one LLVM value."""

    def __init__(self, manager: Any, numba_type: Any) -> None:
        super().__init__(manager, numba_type, _SUMS)


def _lanes(first: int, step: int) -> ir.Constant:
    return ir.Constant(_SUMS, [ir.Constant(ir.IntType(32), first + step * lane) for lane in range(LANES)])


@intrinsic
def no_sums(typing_context: Any) -> Any:
    """A register of zeros."""
    return Sums(), lambda context, builder, signature, arguments: ir.Constant(_SUMS, [0] * LANES)


@intrinsic
def add_pairs(typing_context: Any, sums: Any, codes: Any, at: Any, pair: Any) -> Any:
    """sums_i + codes[at + 2 i] pair_0 + codes[at + 2 i + 1] pair_1.

    Args:
        sums: register.
        codes: flat int8 array.
        at: where 2 LANES of them begin.
        pair: int32 that holds two int16, pair_0 in its low half.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        sums, array, index, both = arguments
        data = cgutils.create_struct_proxy(signature.args[1])(context, builder, value=array).data
        address = builder.bitcast(builder.gep(data, [index]), _BYTES.as_pointer())
        left = builder.sext(builder.load(address, align=1), _WIDE)
        first = builder.insert_element(ir.Constant(_SUMS, [0] * LANES), both, ir.Constant(ir.IntType(32), 0))
        every = builder.shuffle_vector(first, first, ir.Constant(_SUMS, [0] * LANES))
        right = builder.sext(builder.bitcast(every, _SHORTS), _WIDE)
        products = builder.mul(left, right)
        even, odd = (builder.shuffle_vector(products, products, _lanes(k, 2)) for k in range(2))
        return builder.add(sums, builder.add(even, odd))

    return Sums(Sums, codes, types.intp, types.int32), generate


@intrinsic
def as_floats(typing_context: Any, sums: Any) -> Any:
    """The sums as float32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.sitofp(arguments[0], ir.VectorType(ir.FloatType(), LANES))

    return Vector(Sums), generate
