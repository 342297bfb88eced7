"""A run, and what its own evaluation and its own training loader predict: without the code that opens runs again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recbole_ext.config.config import Config
from recbole_ext.evaluation.values import ValueScores
from recbole_ext.pipeline.build import build_trainer
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.pipeline.train import run
from recbole_ext.runs.checkpoint import load_checkpoint
from recbole_ext.tasks.clicks.scorer import ClickScores


class Trained:
    """A finished run beside its loaders and its model, built from the configuration that trained it."""

    def __init__(self, config: Config, scores: np.ndarray, folder: Path) -> None:
        self.config, self.tested, self.folder = config, scores, folder
        self.loaders = build_loaders(config, create_dataset(config))
        self.model = build_trainer(config, self.loaders).model
        load_checkpoint(folder / "checkpoint", "best", self.model, config["device"])
        self.model.eval()

    def tokens(self, part: Any) -> dict[str, list[Any]]:
        """User, item and time of the rows of a part, as a file has them."""
        rows, data = part._dataset.inter_feat, part._dataset
        ids = {name: data.id2token(field, rows[field]) for name, field in self._fields().items()}
        return {**{name: of.tolist() for name, of in ids.items()}, "timestamp": rows[data.time_field].tolist()}

    def _fields(self) -> dict[str, str]:
        return {"user_id": self.config["USER_ID_FIELD"], "item_id": self.config["ITEM_ID_FIELD"]}


@pytest.fixture
def train_run(monkeypatch: pytest.MonkeyPatch) -> Callable[[Config], Trained]:
    """Train; the scores by which the run's own table of test metrics was computed are kept."""

    def trained(config: Config) -> Trained:
        found: list[np.ndarray] = []
        units: dict[type, Any] = {kind: kind.units for kind in (ValueScores, ClickScores)}

        def kept(self: Any) -> Any:
            clicks = isinstance(self, ClickScores)
            found.append(self.scored.probabilities if clicks else self.predicted.double().numpy().reshape(-1))
            return units[type(self)](self)

        with monkeypatch.context() as patch:
            for kind in units:
                patch.setattr(kind, "units", kept)
            folder = Path(run(config)["run_directory"])
        return Trained(config, found[0], folder)

    return trained


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], Any]], Any]:
    """Makes a run in a folder of the module, once for each name; the tests of a module only read it."""
    found: dict[str, Any] = {}

    def made(name: str, make: Callable[[Path], Any]) -> Any:
        if name not in found:
            found[name] = make(tmp_path_factory.mktemp("once"))
        return found[name]

    return made


def predicted_ratings(trained: Trained, loader: Any) -> np.ndarray:
    """Predictions (n,) of the rows of an evaluation loader, in their order."""
    with torch.no_grad():
        return torch.cat([trained.model.predict(batch) for batch, *_ in loader]).double().numpy()


def predicted_clicks(trained: Trained, loader: Any) -> np.ndarray:
    """Probabilities (n,) by row of the part."""
    found = np.empty(len(loader.dataset))
    with torch.no_grad():
        for batch in loader:
            found[batch["row"].numpy()] = trained.model.predict(batch).double().numpy()
    return found
