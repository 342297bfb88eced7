"""The trees of LightGBM and XGBoost behind one interface, stored in their library's own text format."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from recbole_ext.config.config import Config
from recbole_ext.config.key_settings import KeySettings
from recbole_ext.errors import UsageError

REFUSED = ("convert_token_to_onehot", "xgb_model")
"""RecBole's one-hot option stops at a misspelt key of its own; a stored model is not part of a run's record."""


@dataclass(frozen=True)
class LightGBMSettings(KeySettings):
    """The fields are keys of lightgbm.yaml and overall.yaml."""

    lgb_params: dict[str, Any]
    lgb_num_boost_round: int
    torch_threads: int | None
    seed: int


@dataclass(frozen=True)
class XGBoostSettings(KeySettings):
    """The fields are keys of xgboost.yaml and overall.yaml."""

    xgb_params: dict[str, Any]
    xgb_num_boost_round: int
    xgb_nthread: int | None
    torch_threads: int | None
    seed: int


class LightGBMTrees:
    """Trees of LightGBM.

    Args:
        settings: of the trees.

    Attributes:
        file: name of the file of the best trees.
        fault: what the library raises.
        booster: None before `start`.
    """

    file = "best.lightgbm.txt"

    def __init__(self, settings: LightGBMSettings) -> None:
        import lightgbm

        self.library, self.fault = lightgbm, lightgbm.basic.LightGBMError
        threads = {"num_threads": settings.torch_threads} if settings.torch_threads else {}
        fixed = {"seed": settings.seed, "deterministic": True, "verbosity": -1}
        self.params = {**settings.lgb_params, **fixed, **threads}
        self.rounds = settings.lgb_num_boost_round
        self.booster: Any = None

    def eval(self) -> "LightGBMTrees":
        """Trees have no training mode."""
        return self

    def start(self, rows: np.ndarray, labels: np.ndarray) -> None:
        """Take the training rows (n, features) and their labels (n,)."""
        self.booster = self.library.Booster(self.params, self.library.Dataset(rows, labels))

    def grow(self) -> None:
        """Add `lgb_num_boost_round` trees."""
        for _ in range(self.rounds):
            self.booster.update()

    def predict(self, rows: np.ndarray) -> np.ndarray:
        """(n,) predictions of (n, features) rows."""
        return self.booster.predict(rows)

    def to_bytes(self) -> bytes:
        """The content of the file."""
        return self.booster.model_to_string().encode()

    def load(self, content: bytes) -> None:
        """Load what `to_bytes` returned."""
        self.booster = self.library.Booster(model_str=content.decode())


class XGBoostTrees:
    """Trees of XGBoost.

    Args:
        settings: of the trees.

    Attributes:
        file: name of the file of the best trees.
        fault: what the library raises.
        booster: None before `start`.
    """

    file = "best.xgboost.json"

    def __init__(self, settings: XGBoostSettings) -> None:
        import xgboost

        self.library, self.fault = xgboost, xgboost.core.XGBoostError
        threads = settings.xgb_nthread or settings.torch_threads
        self.params = {**settings.xgb_params, "seed": settings.seed, **({"nthread": threads} if threads else {})}
        self.rounds = settings.xgb_num_boost_round
        self.booster: Any = None

    def eval(self) -> "XGBoostTrees":
        """Trees have no training mode."""
        return self

    def start(self, rows: np.ndarray, labels: np.ndarray) -> None:
        """Take the training rows (n, features) and their labels (n,)."""
        self.data = self.library.DMatrix(rows, labels)
        self.booster = self.library.Booster(self.params, [self.data])

    def grow(self) -> None:
        """Add `xgb_num_boost_round` trees."""
        first = self.booster.num_boosted_rounds()
        for number in range(first, first + self.rounds):
            self.booster.update(self.data, number)

    def predict(self, rows: np.ndarray) -> np.ndarray:
        """(n,) predictions of (n, features) rows."""
        return self.booster.predict(self.library.DMatrix(rows))

    def to_bytes(self) -> bytes:
        """The content of the file."""
        return bytes(self.booster.save_raw("json"))

    def load(self, content: bytes) -> None:
        """Load what `to_bytes` returned."""
        self.booster = self.library.Booster()
        self.booster.load_model(bytearray(content))


Trees = LightGBMTrees | XGBoostTrees
"""The interface of trees: grow, predict, store."""


def build_trees(config: Config) -> Trees:
    """The trees of a run's model, not started yet.

    Raises:
        UsageError: an option is set that trees do not have here.
    """
    given = [name for name in REFUSED if config[name]]
    if given:
        raise UsageError(f"{', '.join(given)}: not supported for {config.model}; leave it out")
    if config.entry.registered == "LightGBM":
        return LightGBMTrees(LightGBMSettings.read(config))
    return XGBoostTrees(XGBoostSettings.read(config))
