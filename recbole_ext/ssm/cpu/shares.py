"""What a thread does with its share of a kernel's work, compiled, so that no thread needs the interpreter.

Everything a call needs is in one array of int64 words: how many shares are taken, how many there are, the
number of sequences, the address of the kernel, its integers, and (address, size, stride) of each array. Each
thread takes the next share until none is left, so any number of threads does the whole work. An array with a
stride is divided into one slice per share, for sums that are added up afterwards.
"""
# mypy: disable-error-code="call-arg"
# numba supplies the first argument of an intrinsic

from typing import Any

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import carray, types
from numba.core import cgutils
from numba.extending import intrinsic

from dataset_tools.compiled import cfunc, njit

TAKEN, SHARES, BATCH, KERNEL, INTEGERS, ARRAYS = 0, 1, 2, 3, 4, 8
"""Places of the words; up to four integers, then three words per array."""
SIGNATURE = "void(CPointer(i8), i8)"
"""Of a kernel: the words, and the number of the share."""

_ARCHITECTURE = llvmlite.binding.get_process_triple().partition("-")[0]
_ARM = ("aarch64", "arm64")
_X86_BITS = 0x8040  # flush to zero, denormals are zero
_ARM_BIT = 1 << 24
_Typed = tuple[Any, Any]


@intrinsic
def _take(typing_context: Any, words: Any) -> _Typed:
    """The next share: reads and raises the first word in one indivisible step."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.atomic_rmw("add", arguments[0], ir.Constant(ir.IntType(64), 1), "monotonic")

    return types.int64(types.CPointer(types.int64)), generate


@intrinsic
def _call(typing_context: Any, address: Any, words: Any, share: Any) -> _Typed:
    """Call the kernel at an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address, words, share = arguments
        kind = ir.FunctionType(ir.VoidType(), [words.type, ir.IntType(64)])
        builder.call(builder.inttoptr(address, kind.as_pointer()), [words, share])
        return context.get_dummy_value()

    return types.void(types.int64, types.CPointer(types.int64), types.int64), generate


def _pointer_to(kind: Any) -> Any:
    @intrinsic
    def pointer(typing_context: Any, address: Any) -> _Typed:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

        return types.CPointer(kind)(types.int64), generate

    return pointer


_float32_at, _complex64_at = _pointer_to(types.float32), _pointer_to(types.complex64)


@intrinsic
def _flush_denormals(typing_context: Any) -> _Typed:
    """Let this thread flush denormal numbers to zero: fading states would cost 5 times more. Returns the old mode."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return set_flushing(builder)

    return types.int64(), generate


@intrinsic
def _set_float_mode(typing_context: Any, mode: Any) -> _Typed:
    """Restore what `_flush_denormals` returned."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _set_mode(builder, arguments[0])
        return context.get_dummy_value()

    return types.void(types.int64), generate


def set_flushing(builder: Any) -> Any:
    """Instructions that let a thread flush denormals; their value is the mode before."""
    before = _mode(builder)
    bits = _X86_BITS if _ARCHITECTURE == "x86_64" else _ARM_BIT
    _set_mode(builder, builder.or_(before, ir.Constant(ir.IntType(64), bits)))
    return before


def _mode(builder: Any) -> Any:
    """The processor's mode of floating point arithmetic, as an int64; 0 where it is not known how to read it."""
    if _ARCHITECTURE == "x86_64":
        place = cgutils.alloca_once(builder, ir.IntType(32))
        _x86(builder, "stmxcsr", place)
        return builder.zext(builder.load(place), ir.IntType(64))
    if _ARCHITECTURE in _ARM:
        return builder.call(_function(builder, "llvm.aarch64.get.fpcr", ir.IntType(64)), [])
    return ir.Constant(ir.IntType(64), 0)


def _set_mode(builder: Any, mode: Any) -> None:
    if _ARCHITECTURE == "x86_64":
        place = cgutils.alloca_once(builder, ir.IntType(32))
        builder.store(builder.trunc(mode, ir.IntType(32)), place)
        _x86(builder, "ldmxcsr", place)
    elif _ARCHITECTURE in _ARM:
        builder.call(_function(builder, "llvm.aarch64.set.fpcr", ir.VoidType(), ir.IntType(64)), [mode])


def _x86(builder: Any, name: str, place: Any) -> None:
    byte = ir.IntType(8).as_pointer()
    builder.call(_function(builder, f"llvm.x86.sse.{name}", ir.VoidType(), byte), [builder.bitcast(place, byte)])


def _function(builder: Any, name: str, returned: Any, *arguments: Any) -> Any:
    return cgutils.get_or_insert_function(builder.module, ir.FunctionType(returned, arguments), name)


@njit("i8(CPointer(i8), i8)", cache=True)
def integer(words: Any, place: int) -> int:
    """The integer at a place."""
    return words[INTEGERS + place]


@njit("UniTuple(i8, 2)(CPointer(i8), i8)", cache=True)
def sequences(words: Any, share: int) -> tuple[int, int]:
    """First sequence of a share, and the one after its last."""
    return words[BATCH] * share // words[SHARES], words[BATCH] * (share + 1) // words[SHARES]


@njit("f4[::1](CPointer(i8), i8, i8)", cache=True)
def floats(words: Any, share: int, place: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The flat float32 array at a place, or the share's part of it."""
    at = ARRAYS + 3 * place
    return carray(_float32_at(words[at] + 4 * share * words[at + 2]), (words[at + 1],))


@njit("c8[::1](CPointer(i8), i8, i8)", cache=True)
def complexes(words: Any, share: int, place: int) -> np.ndarray[Any, np.dtype[np.complex64]]:
    """The flat complex64 array at a place."""
    return carray(_complex64_at(words[ARRAYS + 3 * place]), (words[ARRAYS + 3 * place + 1],))


@cfunc("void(CPointer(i8))", cache=True)
def take_part(words: Any) -> None:
    """What each thread runs."""
    before: int = _flush_denormals()
    share = _take(words)
    while share < words[SHARES]:
        _call(words[KERNEL], words, share)
        share = _take(words)
    _set_float_mode(before)
