"""Which counted baselines stand beside a result: those of the run's task."""

from typing import Any

from recbole.utils import EvaluatorType, ModelType

from recbole_ext.data.dataset import predicts_clicks
from recbole_ext.tasks.clicks.baselines import CLICK_BASELINES
from recbole_ext.tasks.ranking.evaluation.baselines import BASELINES, ROW_BASELINES
from recbole_ext.tasks.ratings.baselines import RATING_BASELINES
from recbole_ext.tasks.ratings.data import rates

_OF_CLICKS = {"auc", "logloss"}


def counted_baselines(config: Any, loaders: Any) -> dict[str, type]:
    """Baselines of the run by name; {} for values that are neither ratings nor clicks.

    Args:
        config: `baselines` chooses among those of the task, all of them where it is empty.
        loaders: of the run.
    """
    known = _of_task(config, loaders)
    chosen = known if config["baselines"] is None else config["baselines"]
    return {name: known[name] for name in chosen if name in known}


def _of_task(config: Any, loaders: Any) -> dict[str, Any]:
    part = loaders.train._dataset
    if rates(config):
        return RATING_BASELINES
    if predicts_clicks(config):
        return _of_clicks(loaders.test.reads_histories)
    if config["eval_type"] == EvaluatorType.RANKING:
        return BASELINES if config["MODEL_TYPE"] == ModelType.SEQUENTIAL else ROW_BASELINES
    labelled = "labeled" in str(config["eval_args"]["mode"]) and config["LABEL_FIELD"] in part.inter_feat
    measured = {str(name).lower() for name in config["metrics"]}
    if config["MODEL_TYPE"] == ModelType.DECISIONTREE or not (labelled and _OF_CLICKS & measured):
        return {}
    return _of_clicks(with_histories=False)


def _of_clicks(with_histories: bool) -> dict[str, Any]:
    return {name: made for name, made in CLICK_BASELINES.items() if with_histories or name != "match_rate"}
