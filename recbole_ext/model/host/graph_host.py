"""RecBole's KGAT, KGIN and MCCLK without dgl and torch_scatter, whose builds are hard to come by.

Differs from source, besides the libraries:
    KGAT's attention is part of the checkpoint, so that the best weights are evaluated with their own attention and
    not with that of the last epoch; the embeddings that KGIN and MCCLK cache for evaluation are part of it for the
    same reason.
    KGIN and MCCLK drop edges while they train, and not while they are evaluated.
    MCCLK's graph of nearest items has at most as many neighbours as there are entities, and none of negative
    similarity, whose square root RecBole takes.
"""

from typing import Any

import torch
from recbole.model.knowledge_aware_recommender import kgat, kgin, mcclk
from torch import Tensor, nn
from torch.nn import functional as F

from recbole_ext.model.host.bipartite import as_tensor, bipartite, inverse_degree, scaled
from recbole_ext.model.host.edges import edge_mean, edge_softmax


class _WithoutDgl:
    """A data set whose graph for dgl is left out; everything else is the data set's own."""

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dataset, name)

    def ckg_graph(self, form: str, value_field: str) -> Any:
        """RecBole's graph of users, items and entities as a sparse matrix; None in place of dgl's."""
        return None if form == "dgl" else self._dataset.ckg_graph(form, value_field)


class KGAT(kgat.KGAT):
    """RecBole's KGAT."""

    other_parameter_name: list[str]

    def __init__(self, config: Any, dataset: Any) -> None:
        super().__init__(config, _WithoutDgl(dataset))
        self.other_parameter_name = [*self.other_parameter_name, "A_in"]

    def init_graph(self) -> Tensor:
        """First attention: of each relation, the mean over a node's edges. (nodes, nodes) sparse float32."""
        kept = self.all_rs > 0
        head, tail, relation = self.all_hs[kept], self.all_ts[kept], self.all_rs[kept]
        group = head * self.n_relations + relation
        share = 1.0 / torch.bincount(group)[group]
        edges = torch.stack([head, tail])
        return torch.sparse_coo_tensor(edges, share, self.matrix_size, check_invariants=True).coalesce()


class _Training(nn.Module):
    """Mixin before a model with `gcn.node_dropout_rate`: edges are dropped in training mode alone."""

    gcn: nn.Module

    def train(self, mode: bool = True) -> "_Training":
        """Switch modes."""
        super().train(mode)
        self.gcn.node_dropout_rate = self.training_dropout if mode else 0.0  # type: ignore[assignment]
        return self


class _IntentAggregator(kgin.Aggregator):
    """KGIN's equations 8 to 12 with the mean over edges in torch."""

    def forward(
        self,
        entity_emb: Tensor,
        user_emb: Tensor,
        latent_emb: Tensor,
        relation_emb: Tensor,
        edge_index: Tensor,
        edge_type: Tensor,
        interact_mat: Tensor,
        disen_weight_att: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """New (n_entities, H) and (n_users, H) from entities, users, (n_factors, H) intents and (R, H) relations."""
        head, tail = edge_index
        entities = edge_mean(entity_emb[tail] * relation_emb[edge_type], head, len(entity_emb))
        attention = torch.softmax(user_emb @ latent_emb.T, dim=1)  # (n_users, n_factors)
        intents = torch.softmax(disen_weight_att, dim=-1) @ relation_emb  # (n_factors, H)
        users = torch.sparse.mm(interact_mat, entity_emb)
        return entities, (attention @ intents) * users + users


class _MeanGraph:
    """Mixin before a model that reads `get_norm_inter_matrix`, with the graph built from arrays: see `bipartite`."""

    inter_matrix: Any
    n_users: int
    n_entities: int
    device: torch.device

    def get_norm_inter_matrix(self, mode: str = "bi") -> tuple[Tensor, Tensor]:
        """Scaled edges from users to entities, and all of them.

        Args:
            mode: `bi` for D^-1/2 A D^-1/2, `si` for D^-1 A.

        Returns:
            (n_users, n_entities) and (n_users + n_entities, n_users + n_entities) sparse float32.
        """
        graph = bipartite(self.inter_matrix, self.n_users, self.n_users + self.n_entities)
        scale = inverse_degree(graph, -0.5 if mode == "bi" else -1)
        whole = scaled(graph, scale, scale if mode == "bi" else None)
        of_users = whole.tocsr()[: self.n_users, self.n_users :].tocoo()
        return as_tensor(of_users).to(self.device), as_tensor(whole).to(self.device)


class KGIN(_MeanGraph, _Training, kgin.KGIN):
    """RecBole's KGIN."""

    def __init__(self, config: Any, dataset: Any) -> None:
        super().__init__(config, dataset)
        self.gcn.convs = nn.ModuleList(_IntentAggregator() for _ in range(config["context_hops"]))
        self.training_dropout = self.gcn.node_dropout_rate
        self.other_parameter_name = ["restore_user_e", "restore_entity_e"]


class _AttentiveAggregator(mcclk.Aggregator):
    """MCCLK's aggregation with the softmax and the mean over edges in torch."""

    def forward(
        self,
        entity_emb: Tensor,
        user_emb: Tensor,
        relation_emb: Tensor,
        edge_index: Tensor,
        edge_type: Tensor,
        inter_matrix: Tensor,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """New (n_entities, H), and (n_users, H) unless the aggregator is of items only."""
        head, tail = edge_index
        relation = relation_emb[edge_type]
        messages = entity_emb[tail] * relation
        if self.attention:
            similarity = self.calculate_sim_hrt(entity_emb[head], entity_emb[tail], relation)  # (E, 1)
            messages = edge_softmax(similarity, head, len(entity_emb)) * messages
        entities = edge_mean(messages, head, len(entity_emb))
        if self.item_only:
            return entities
        users = torch.sparse.mm(inter_matrix, entity_emb)
        return entities, users + (torch.softmax(user_emb @ relation_emb.T, dim=-1) @ relation_emb) * users


class _SemanticGraph(mcclk.GraphConv):
    """MCCLK's graph layers with a graph of nearest items that fits any number of them."""

    convs: nn.ModuleList

    def __init__(self, *settings: Any) -> None:
        super().__init__(*settings)
        self.convs = nn.ModuleList(_AttentiveAggregator() for _ in self.convs)
        if self.build_graph_separately:
            self.bg_convs = nn.ModuleList(_AttentiveAggregator(item_only=True, attention=False) for _ in self.convs)

    def build_adj(self, context: Tensor, topk: int) -> Tensor:
        """Normalised graph of each entity's `topk` most similar ones: (n_entities, n_entities) sparse."""
        n_entities = len(context)
        unit = F.normalize(context.detach(), dim=-1)
        value, neighbour = torch.topk(unit @ unit.T, min(topk, n_entities), dim=-1)
        value = value.clamp(min=0)
        scale = value.sum(1).clamp(min=1e-12).rsqrt()  # an entity's similarity to itself is 1
        value = scale.unsqueeze(1) * value * scale[neighbour]
        row = torch.arange(n_entities, device=context.device).unsqueeze(1).expand_as(neighbour)
        indices = torch.stack([row.flatten(), neighbour.flatten()])
        shape = (n_entities, n_entities)
        return torch.sparse_coo_tensor(indices, value.flatten(), shape, check_invariants=False)  # once per batch


class MCCLK(_MeanGraph, _Training, mcclk.MCCLK):
    """RecBole's MCCLK."""

    def __init__(self, config: Any, dataset: Any) -> None:
        super().__init__(config, dataset)
        graph = self.n_relations, self.edge_index, self.edge_type, self.inter_matrix, self.device
        self.gcn = _SemanticGraph(config, self.embedding_size, *graph)
        self.training_dropout = self.gcn.node_dropout_rate
        self.restore_entity_e = None
        self.other_parameter_name = ["restore_user_e", "restore_entity_e"]
