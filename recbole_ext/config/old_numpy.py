"""The numpy that a few modules of RecBole see: numpy, and the names that it removed and they still use.

RecBole puts these names into numpy itself, for the whole process. Here numpy is left as it is; each of RecBole's
modules gets a view of numpy under its own name `np`.
"""

import sys
from types import SimpleNamespace

import numpy as np

OLD_NAMES = {"bool": np.bool_, "float": np.float64, "long": np.int_}
"""What the sources of RecBole 1.2.1 use of the removed names."""
USERS = (
    "recbole.data.interaction",
    "recbole.data.dataset.dataset",
    "recbole.evaluator.metrics",
    "recbole.model.abstract_recommender",
    "recbole.model.context_aware_recommender.ffm",
    "recbole.model.layers",
)
"""The modules that use them."""


def provide_old_names() -> None:
    """Let the modules of RecBole that are loaded find the names; calling it again changes nothing."""
    for module in filter(None, map(sys.modules.get, USERS)):
        if not isinstance(module.np, SimpleNamespace):
            module.np = SimpleNamespace(**{**vars(np), **OLD_NAMES})  # type: ignore[attr-defined]
