"""RecBole's models of the graph of users and items, with that graph built from arrays: see `bipartite`."""

from typing import Any

from recbole.model.general_recommender.gcmc import GCMC as RecBoleGCMC
from recbole.model.general_recommender.lightgcn import LightGCN as RecBoleLightGCN
from recbole.model.general_recommender.ngcf import NGCF as RecBoleNGCF
from recbole.model.general_recommender.spectralcf import SpectralCF as RecBoleSpectralCF
from torch import Tensor

from recbole_ext.model.host.bipartite import as_tensor, bipartite, scaled, smoothed_inverse_degree


class SymmetricGraph:
    """Mixin before a model of RecBole that reads `get_norm_adj_mat`."""

    interaction_matrix: Any
    n_users: int
    n_items: int

    def get_norm_adj_mat(self) -> Tensor:
        """D^-1/2 A D^-1/2: (n_users + n_items, n_users + n_items) sparse float32."""
        graph = bipartite(self.interaction_matrix, self.n_users, self.n_users + self.n_items)
        scale = smoothed_inverse_degree(graph, -0.5)
        return as_tensor(scaled(graph, scale, scale))


class LightGCN(SymmetricGraph, RecBoleLightGCN):
    """RecBole's LightGCN."""


class NGCF(SymmetricGraph, RecBoleNGCF):
    """RecBole's NGCF."""


class GCMC(SymmetricGraph, RecBoleGCMC):
    """RecBole's GCMC."""


class SpectralCF(RecBoleSpectralCF):
    """RecBole's SpectralCF."""

    def get_laplacian_matrix(self) -> Tensor:
        """I - D^-1 A: (n_users + n_items, n_users + n_items) sparse float32."""
        n_nodes = self.n_users + self.n_items
        graph = bipartite(self.interaction_matrix, self.n_users, n_nodes)
        return self.get_eye_mat(n_nodes) - as_tensor(scaled(graph, smoothed_inverse_degree(graph, -1)))
