"""RecBole's case study: scores of all items and the best K for users, by a model and the loader of a test split."""

from typing import Any

import numpy as np
import torch
from recbole.data.interaction import Interaction
from torch import Tensor

from recbole_ext.errors import UsageError
from recbole_ext.tasks.ranking.evaluation.full_ranking import FullRankingLoader


@torch.no_grad()
def full_sort_scores(uid_series: Any, model: Any, test_data: Any, device: torch.device | None = None) -> Tensor:
    """The scores of all items for users, as the evaluation of the split ranks them.

    Padding has -inf, and so have the items that the protocol removes: those that the user has seen before the test
    split, with `filter_seen_items: True`.

    Args:
        uid_series: (n,) internal ids, from `dataset.token2id(dataset.uid_field, tokens)`.
        model: trained.
        test_data: loader of the split, which ranks all items.
        device: where to compute; None: where the model is.

    Returns:
        (n, n_items), a row per user; of sequences a row per test row of each user, in the order of `uid_series`.

    Raises:
        UsageError: `test_data` does not rank all items, an id is no user's, or a user has no row in the split.
    """
    if not isinstance(test_data, FullRankingLoader):
        raise UsageError(
            "full_sort_scores needs a loader that ranks all items: eval_args: {mode: full} "
            f"(got {type(test_data).__name__})"
        )
    dataset, users = test_data.dataset, np.atleast_1d(np.asarray(uid_series, dtype=np.int64))
    wrong = users[(users < 1) | (users >= dataset.user_num)]
    if len(wrong):
        raise UsageError(
            f"uid_series holds internal ids from 1 to {dataset.user_num - 1} (got {wrong[0]}); "
            "internal ids of tokens: dataset.token2id(dataset.uid_field, tokens)"
        )
    rows = _sequence_rows(test_data, users) if test_data.is_sequential else _user_rows(dataset, users)
    seen = test_data.seen.pairs(rows) if test_data.seen else None
    model = model if device is None else model.to(device)
    model.eval()
    scores = _scores(model, dataset, rows, test_data.config["eval_batch_size"])
    scores[:, 0] = -torch.inf
    if seen is not None:
        scores[seen] = -torch.inf
    return scores


def full_sort_topk(
    uid_series: Any, model: Any, test_data: Any, k: int, device: torch.device | None = None
) -> tuple[Tensor, Tensor]:
    """The K best items for users; tokens of the ids: `dataset.id2token(dataset.iid_field, ids.cpu())`.

    Args:
        uid_series, model, test_data, device: see `full_sort_scores`.
        k: length of the lists; with fewer candidates the last places have the score -inf.

    Returns:
        Scores and internal ids, (n, k) each, best first.

    Raises:
        UsageError: see `full_sort_scores`, or `k` is more than the number of items.
    """
    scores = full_sort_scores(uid_series, model, test_data, device)
    if not 0 < k < scores.shape[1]:
        raise UsageError(f"k must be at least 1 and at most the {scores.shape[1] - 1} items (got {k!r})")
    best = torch.topk(scores, k, dim=1)
    return best.values, best.indices


def _user_rows(dataset: Any, users: np.ndarray) -> Any:
    return dataset.join(Interaction({dataset.uid_field: torch.from_numpy(users)}))


def _sequence_rows(loader: Any, users: np.ndarray) -> Any:
    """The rows of the users in the split, in the order of the users."""
    dataset = loader.dataset
    owner = dataset.inter_feat[dataset.uid_field].numpy()
    order = np.argsort(owner, kind="stable")
    first, end = (np.searchsorted(owner[order], users, side) for side in ("left", "right"))
    if (first == end).any():
        token = dataset.id2token(dataset.uid_field, users[first == end][0])
        raise UsageError(f"user {token} has no row in this split; the histories of its rows are what is ranked for")
    index = np.concatenate([order[start:stop] for start, stop in zip(first, end, strict=True)])
    return loader.transform(dataset, dataset[index])


def _scores(model: Any, dataset: Any, rows: Any, most: int) -> Tensor:
    """(n, n_items) of rows, on the model's device."""
    device = next((each.device for each in model.parameters()), torch.device("cpu"))
    rows = rows.to(device)
    try:
        return model.full_sort_predict(rows).view(-1, dataset.item_num)
    except NotImplementedError:
        pairs = rows.repeat_interleave(dataset.item_num)
        pairs.update(dataset.get_item_feature().to(device).repeat(len(rows)))
        parts = [model.predict(pairs[slice(n, n + most)]).reshape(-1) for n in range(0, len(pairs), most)]
        return torch.cat(parts).view(-1, dataset.item_num)
