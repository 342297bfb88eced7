"""myFM's ordered probit with side information and implicit sets on both sides, on the rows of a click data set.

Needs `pip install myfm "setuptools<81"`. The ordered probit is fitted to the labels 0 and 1; user and item blocks hold
the id, the attributes, and the other side's ids of training as a set, each with weight 1 / sqrt(size).
"""

import time
from typing import Any

import numpy as np
import scipy.sparse

from recbole_ext.evaluation.click_metrics import Scored

RANK, ITERATIONS, KEPT = 10, 512, 448


def myfm_scores(train: Any, test: Any, seed: int) -> tuple[Scored, dict[str, float]]:
    """Fit on a training split and predict a test split.

    Args:
        train, test: parts of a `ClickDataset`.
        seed: of the Gibbs sampler.
    """
    import myfm
    from myfm import RelationBlock

    started = time.perf_counter()
    blocks = [side_block(train, side) for side in ("user", "item")]
    sizes = [block.shape[1] for block in blocks]

    def relations(part: Any) -> list[Any]:
        fields = (part.uid_field, part.iid_field)
        return [
            RelationBlock(part.inter_feat[f].numpy().astype(np.int64), b) for f, b in zip(fields, blocks, strict=True)
        ]

    labels = train.inter_feat[train.label_field].numpy().astype(np.int64)
    model = myfm.MyFMOrderedProbit(RANK, random_seed=seed)
    model.fit(None, labels, X_rel=relations(train), n_iter=ITERATIONS, n_kept_samples=KEPT, group_shapes=sizes)
    probabilities = model.predict_proba(None, relations(test))[:, 1]
    table = test.inter_feat
    scored = Scored(table[test.uid_field].numpy(), table[test.label_field].numpy().astype(np.float64), probabilities)
    return scored, {"valid": float("nan"), "epoch": ITERATIONS, "seconds": (time.perf_counter() - started) / ITERATIONS}


def side_block(train: Any, side: str) -> Any:
    """(n_ids, features) of one side: id, attributes, and the set of the other side's ids."""
    fields = (train.uid_field, train.iid_field)
    own, other = fields if side == "user" else fields[::-1]
    n_ids = train.num(own)
    columns = [scipy.sparse.identity(n_ids, format="csr")]
    table = getattr(train, f"{side}_feat")
    for name in [n for n in table if n != own] if table is not None else []:
        values = table[name].numpy()
        if values.dtype == np.int64:
            columns.append(one_hot(values.reshape(n_ids, -1), train.num(name)))
    pairs = (train.inter_feat[own].numpy(), train.inter_feat[other].numpy())
    members = scipy.sparse.csr_matrix((np.ones(len(pairs[0])), pairs), shape=(n_ids, train.num(other)))
    size = np.maximum(np.asarray(members.sum(axis=1)).ravel(), 1)
    columns.append(scipy.sparse.diags(1 / np.sqrt(size)) @ members)
    return scipy.sparse.hstack(columns, format="csr")


def one_hot(values: np.ndarray, n_values: int) -> Any:
    """(n, m) ids, 0 for none -> (n, n_values) with weight 1 / sqrt(number of values)."""
    row, place = np.nonzero(values)
    count = np.maximum((values > 0).sum(axis=1), 1)
    weights = 1 / np.sqrt(count[row])
    return scipy.sparse.csr_matrix((weights, (row, values[row, place])), shape=(len(values), n_values))
