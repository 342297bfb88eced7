"""HybridVAE: rating prediction by a variational model of who rates, what is rated, and all their other ratings.

    loss = mean over the batch of ( -log p(rating | score) ) + w (KL of the vectors) / n + w (KL of z)

with the score of `architecture: sets` (set_network.py, the default) or `pairwise` (pairwise_network.py), and
p(rating | score) of `loss: mse`, `huber`, `mae` or `ordinal` (likelihood.py); `bpr` ranks a user's ratings instead,
`mixed` adds `ranking_weight` times that to the ordinal loss. The errors of `pairwise` are in stars (centre.py). KL is
summed over dimensions, in nats; w is annealed.

Predictions are the expected rating, clipped to the scale and never rounded.
"""

from collections.abc import Callable
from typing import Any

import torch
from recbole.model.abstract_recommender import GeneralRecommender
from recbole.utils import InputType
from torch import Tensor
from torch.nn import functional as F

from recbole_ext.errors import UsageError
from recbole_ext.model.layers.likelihood import ERRORS, AdditiveNoise, Ordinal, pairwise_ranking
from recbole_ext.model.rating.centre import RatingCentre
from recbole_ext.model.rating.kl_record import KlRecord
from recbole_ext.model.rating.pairwise_network import PairwiseNetwork
from recbole_ext.model.rating.set_network import Scores, SetNetwork, SetSettings
from recbole_ext.model.rating.settings import LossSettings
from recbole_ext.model.rating.table import Columns, Pairs, RatingTable
from recbole_ext.model.rating.variational import kl_share, with_free_bits

_ERROR: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"mse": F.mse_loss, "huber": F.huber_loss, "mae": F.l1_loss}


class HybridVAE(GeneralRecommender):
    """See the module's equations; settings in `properties/model/HybridVAE.yaml`.

    Args:
        config: of the run.
        dataset: the training split.

    Raises:
        UsageError: too many distinct ratings for an ordinal loss.
    """

    input_type = InputType.POINTWISE
    grows = True
    """A run may go on from another one with more users and items: see `pipeline/start_weights.py`."""

    def __init__(self, config: Any, dataset: Any) -> None:
        super().__init__(config, dataset)
        self.settings = LossSettings.read(config)
        self.table, pairwise = RatingTable(Columns.read(config), dataset), config["architecture"] == "pairwise"
        if config["latent_levels"] == 2 and not (self.table.item_columns or self.table.context_sizes):
            raise UsageError("latent_levels: 2 reads columns of items (side_features) or days, and the data have none")
        self.network: Any = (
            PairwiseNetwork(config, self.table) if pairwise else SetNetwork(SetSettings.read(config), self.table)
        )
        in_stars = pairwise and self.settings.loss in ERRORS
        self.centre = RatingCentre(config["rating_normalization"], self.table) if in_stars else None
        self.likelihood = self._likelihood()
        self.record = KlRecord()
        self.register_buffer("step", torch.zeros((), dtype=torch.int64))

    def _likelihood(self) -> AdditiveNoise | Ordinal:
        ratings, loss = self.table.ratings, self.settings.loss
        if loss in ERRORS:
            return AdditiveNoise(ratings, loss)
        try:
            return Ordinal(ratings, self.settings.label_smoothing)
        except ValueError as error:
            raise UsageError(str(error)) from None

    def forward(self, interaction: Any) -> Scores:
        """Scores of the pairs of a batch (B,)."""
        return self.network(self.table.read(interaction))

    def calculate_loss(self, interaction: Any) -> Tensor:
        """Loss of a batch of training ratings: () nats per rating."""
        scores, ratings = self(interaction), interaction[self.table.rating_field]
        share = kl_share(int(self.get_buffer("step")), self.settings.kl_anneal_steps, self.settings.kl_cycle_steps)
        if self.training:
            self.get_buffer("step").add_(1)
        fit = self._fit(scores, self.table.read(interaction), ratings)
        tables = self.network.kl_of_tables() / len(self.table.ratings)
        loss = fit + share * self.settings.table_kl_weight * tables
        if scores.kl.shape[1]:
            loss = loss + share * self.settings.kl_weight * with_free_bits(scores.kl, self.settings.free_bits)
        if self.settings.embedding_l2:
            loss = loss + self.settings.embedding_l2 * self._mean_square(interaction)
        self.record.add(fit.detach(), tables.detach(), scores.kl.detach(), scores.mu.detach())
        return loss

    def _fit(self, scores: Scores, pairs: Pairs, ratings: Tensor) -> Tensor:
        """How badly the scores explain the ratings: (); of `centre`, an error in stars."""
        if self.centre is not None:
            predicted, ratings = self.centre(scores, pairs), scores.mixed(ratings)
            return _ERROR[self.settings.loss](predicted, ratings) + self._noise(ratings - predicted.detach())
        loss = scores.mean.new_zeros(())
        if self.settings.loss != "bpr":
            loss = self.likelihood.loss(scores.mean, scores.variance, ratings).mean()
        if self.settings.loss in ("bpr", "mixed"):
            weight = 1.0 if self.settings.loss == "bpr" else self.settings.ranking_weight
            loss = loss + weight * pairwise_ranking(scores.mean, pairs.user, ratings)
        return loss

    def _noise(self, errors: Tensor) -> Tensor:
        """0 (), whose gradient fits the scale of the noise to errors (B,), in stars, and nothing else."""
        assert isinstance(self.likelihood, AdditiveNoise)
        nats = self.likelihood.of_errors(errors / self.likelihood.get_buffer("unit")).mean()
        return nats - nats.detach()

    def _mean_square(self, interaction: Any) -> Tensor:
        """Mean squared length of the vectors of the batch's users and items, each once: ()."""
        squares = []
        batch = (interaction[self.table.user], interaction[self.table.item])
        for table, ids in zip(self.network.id_tables(), batch, strict=True):
            vectors = table(torch.unique(ids))
            squares.append((vectors[0] if isinstance(vectors, tuple) else vectors).square().sum(1).mean())
        return torch.stack(squares).sum()

    def expected(self, interaction: Any) -> Tensor:
        """The expected rating before clipping: (B,)."""
        scores = self(interaction)
        if self.centre is not None:
            return self.centre(scores, self.table.read(interaction))
        return self.likelihood.rating(scores.mean, scores.variance)

    def predict(self, interaction: Any) -> Tensor:
        """The expected rating, clipped to the scale: (B,) raw."""
        return self.expected(interaction).clamp(*self.table.scale)

    def variance(self, interaction: Any) -> Tensor:
        """Variance of the rating under the prediction, the noise included: (B,) squared units of the rating."""
        scores = self(interaction)
        return self.likelihood.variance_of_rating(scores.mean, scores.variance)

    def epoch_columns(self) -> dict[str, float]:
        """Cells of the epoch's row of metrics.csv: the fit, KL in nats, active units; begins a new epoch."""
        return self.record.columns()

    def moved_rows(self, earlier: Any) -> dict[str, Tensor]:
        """Where rows of the tables of days are now: each training split numbers its days by itself.

        Args:
            earlier: the training split of the run that is continued.

        Returns:
            Name of a module -> (rows,) int64, -1 for a day without a row here.
        """
        if self.table.time not in earlier.inter_feat:
            return {}
        places = self.table.places_of_days(earlier.inter_feat[self.table.time].numpy())
        return {name: places for name, _ in self.named_modules() if name.endswith(".day")}

    def stateful(self) -> dict[str, Any]:
        """Parts that a resumed run needs besides the weights: the sums of KL, so that an epoch has all its batches."""
        return {"kl": self.record}
