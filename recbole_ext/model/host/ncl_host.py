"""RecBole's NCL with faiss on a CPU, and on fewer users or items than clusters."""

from typing import Any

import faiss
import torch
from recbole.model.general_recommender.ncl import NCL as RecBoleNCL
from torch import Tensor
from torch.nn import functional as F

from recbole_ext.model.host.bipartite_host import SymmetricGraph


class NCL(SymmetricGraph, RecBoleNCL):
    """RecBole's NCL, which asks faiss for a GPU and for as many clusters as are set."""

    def run_kmeans(self, x: Any) -> tuple[Tensor, Tensor]:
        """Clusters of (n, D) float32 embeddings: (k, D) centroids of unit length, and each row's cluster (n,) int64."""
        kmeans: Any = faiss.Kmeans(d=self.latent_dim, k=min(self.k, len(x)), min_points_per_centroid=1)
        kmeans.train(x)
        _, nearest = kmeans.index.search(x, 1)
        centroids = torch.from_numpy(kmeans.centroids).to(self.device)
        return F.normalize(centroids, p=2, dim=1), torch.from_numpy(nearest[:, 0]).to(self.device)
