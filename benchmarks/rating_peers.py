"""Other rating predictors on the rows that HybridVAE is trained on; each predicts all parts but `train`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse

SECONDS_PER_DAY = 86400
_SIDE = ("age", "gender", "occupation", "class", "genre", "genres", "release_year", "year")


@dataclass
class Table:
    """The rows of one part.

    Attributes:
        user, item: (n,) int64 ids.
        rating: (n,) float64.
        day: (n,) int64; None without times.
        side: token ids of each field of users and items, by kind and name.
    """

    user: np.ndarray
    item: np.ndarray
    rating: np.ndarray
    day: np.ndarray | None
    side: dict[str, dict[str, np.ndarray]]
    sizes: tuple[int, int]

    @classmethod
    def read(cls, dataset: Any) -> "Table":
        """From a part of a RecBole data set."""
        rows = dataset.inter_feat
        user, item, rating = (
            rows[f].numpy() for f in (dataset.uid_field, dataset.iid_field, dataset.config["RATING_FIELD"])
        )
        day = rows[dataset.time_field].numpy() // SECONDS_PER_DAY if dataset.time_field in rows else None
        side = {}
        for kind in ("user", "item"):
            feat = getattr(dataset, f"{kind}_feat")
            side[kind] = {f: feat[f].numpy() for f in _SIDE if feat is not None and f in feat}
        return cls(user, item, rating.astype(float), day, side, (dataset.user_num, dataset.item_num))

    def clip(self, predicted: np.ndarray) -> np.ndarray:
        """Predictions within the scale of these ratings."""
        return np.clip(predicted, self.rating.min(), self.rating.max())


def one_hot(ids: np.ndarray, size: int) -> Any:
    """Ids (n,), or (n, L) padded with 0 -> (n, size), rows of length 1."""
    ids = ids.reshape(len(ids), -1)
    known = ids > 0 if ids.shape[1] > 1 else np.ones_like(ids, dtype=bool)
    rows = np.repeat(np.arange(len(ids)), known.sum(1))
    values = np.repeat(1 / np.sqrt(np.maximum(known.sum(1), 1)), known.sum(1))
    return scipy.sparse.csr_matrix((values, (rows, ids[known])), shape=(len(ids), size))


def _asked(tables: dict[str, Table]) -> list[str]:
    return [name for name in tables if name != "train"]


def myfm(tables: dict[str, Table], rank: int = 10, iterations: int = 300, full: bool = True) -> dict[str, np.ndarray]:
    """Bayesian factorisation machine with ordered probit, by Gibbs sampling; ids, implicit sets, side, day."""
    import myfm as library

    train = tables["train"]
    n_users, n_items = train.sizes
    rated = scipy.sparse.csr_matrix((np.ones(len(train.user)), (train.user, train.item)), shape=train.sizes)

    def scaled(matrix: Any) -> Any:
        count = np.asarray(matrix.sum(1)).ravel()
        return scipy.sparse.diags(1 / np.sqrt(np.maximum(count, 1))) @ matrix

    def of(kind: str, ids: Any) -> list[Any]:
        own = np.arange(n_users if kind == "user" else n_items)
        blocks = [one_hot(own, len(own))]
        if full:
            blocks.append(scaled(rated if kind == "user" else rated.T.tocsr()))
            blocks += [one_hot(tokens, int(tokens.max()) + 1) for tokens in train.side[kind].values()]
        return library.RelationBlock(ids, scipy.sparse.hstack(blocks).tocsr())

    days = np.unique(train.day) if train.day is not None else np.zeros(0)

    def main(table: Table) -> Any:
        if not full or table.day is None:
            return None
        place = np.searchsorted(days, table.day).clip(max=len(days) - 1)
        known = days[place] == table.day
        return scipy.sparse.csr_matrix(
            (np.ones(known.sum()), (np.flatnonzero(known), place[known])), shape=(len(known), len(days))
        )

    blocks = {name: [of("user", table.user), of("item", table.item)] for name, table in tables.items()}
    groups = [len(days)] if full and train.day is not None else []
    for kind, size in (("user", n_users), ("item", n_items)):
        groups.append(size)
        if full:
            groups.append(n_items if kind == "user" else n_users)
            groups += [int(tokens.max()) + 1 for tokens in train.side[kind].values()]
    levels, place = np.unique(train.rating, return_inverse=True)
    model = library.MyFMOrderedProbit(rank=rank, random_seed=42)
    model.fit(
        main(train), place, X_rel=blocks["train"], group_shapes=groups, n_iter=iterations, n_kept_samples=iterations
    )
    return {name: model.predict_proba(main(tables[name]), blocks[name]) @ levels for name in _asked(tables)}


def myfm_ids(tables: dict[str, Table]) -> dict[str, np.ndarray]:
    """The same with nothing but the two ids."""
    return myfm(tables, full=False)


def surprise_svd(tables: dict[str, Table]) -> dict[str, np.ndarray]:
    """Surprise's SVD with its tuned settings for ml-100k."""
    import surprise

    return _surprise(tables, surprise.SVD(n_factors=100, n_epochs=50, lr_all=0.005, reg_all=0.1, random_state=0))


def surprise_svdpp(tables: dict[str, Table]) -> dict[str, np.ndarray]:
    """Surprise's SVD++ with its defaults."""
    import surprise

    return _surprise(tables, surprise.SVDpp(random_state=0))


def _surprise(tables: dict[str, Table], algorithm: Any) -> dict[str, np.ndarray]:
    import pandas as pd
    import surprise

    train = tables["train"]
    frame = pd.DataFrame({"user": train.user, "item": train.item, "rating": train.rating})
    reader = surprise.Reader(rating_scale=(train.rating.min(), train.rating.max()))
    algorithm.fit(surprise.Dataset.load_from_df(frame, reader).build_full_trainset())
    return {
        name: np.array([algorithm.predict(u, i).est for u, i in zip(tables[name].user, tables[name].item, strict=True)])
        for name in _asked(tables)
    }


def lenskit_als(tables: dict[str, Table]) -> dict[str, np.ndarray]:
    """LensKit's biased matrix factorisation by ALS."""
    from lenskit.als import BiasedMFScorer

    return _lenskit(tables, BiasedMFScorer(features=40, epochs=20))


def lenskit_knn(tables: dict[str, Table]) -> dict[str, np.ndarray]:
    """LensKit's item neighbourhoods."""
    from lenskit.knn import ItemKNNScorer

    return _lenskit(tables, ItemKNNScorer(max_nbrs=20, feedback="explicit"))


def _lenskit(tables: dict[str, Table], scorer: Any) -> dict[str, np.ndarray]:
    import pandas as pd
    from lenskit.batch import predict
    from lenskit.data import ItemListCollection, UserIDKey, from_interactions_df
    from lenskit.pipeline import predict_pipeline

    def frame(table: Table) -> Any:
        return pd.DataFrame({"user_id": table.user, "item_id": table.item, "rating": table.rating})

    pipeline = predict_pipeline(scorer)
    pipeline.train(from_interactions_df(frame(tables["train"])))
    found = {}
    for name in _asked(tables):
        table = tables[name]
        pairs = ItemListCollection.from_df(frame(table)[["user_id", "item_id"]], UserIDKey)
        scores = predict(pipeline, pairs, n_jobs=1).to_df().set_index(["user_id", "item_id"])["score"]
        wanted = pd.MultiIndex.from_arrays([table.user, table.item])
        found[name] = scores.reindex(wanted).fillna(tables["train"].rating.mean()).to_numpy()
    return {name: tables["train"].clip(values) for name, values in found.items()}


PEERS: dict[str, Callable[[dict[str, Table]], dict[str, np.ndarray]]] = {
    "surprise_svd": surprise_svd,
    "surprise_svdpp": surprise_svdpp,
    "lenskit_knn": lenskit_knn,
    "lenskit_als": lenskit_als,
    "myfm_ids": myfm_ids,
    "myfm": myfm,
}
