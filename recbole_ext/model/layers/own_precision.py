"""Functions with a gradient of their own, kept out of mixed precision: they compute in the type of their inputs."""

from functools import reduce
from typing import Any

import torch
from torch import Tensor


def in_own_precision(function: type[torch.autograd.Function], *inputs: Any) -> Any:
    """`function.apply(*inputs)`, whatever autocast is on: in the widest type of its inputs, in float32 at least.

    Autocast rounds single operations inside such a function, without a gradient that knows of it, and some of them,
    as products with sparse matrices, have no kernel for 16 bits.

    Args:
        function: with `forward` and `backward`.
        inputs: of `forward`; tensors of floats are converted, and all others stay as they are.
    """
    floats = [x for x in inputs if isinstance(x, Tensor) and x.is_floating_point()]
    widest = reduce(torch.promote_types, (x.dtype for x in floats), torch.float32)
    ids = {id(x) for x in floats}
    with torch.autocast(floats[0].device.type, enabled=False):
        return function.apply(*(x.to(widest) if id(x) in ids else x for x in inputs))
