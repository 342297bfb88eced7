"""Making a model, with what its constructor refuses reported as an error of the settings or the data."""

from typing import Any

from recbole_ext.config.config import Config
from recbole_ext.errors import DataError, RecBoleExtError, UsageError, is_out_of_memory
from recbole_ext.pipeline.refused_settings import refused_settings
from recbole_ext.refusals import reason, refused_by_recbole
from recbole_ext.training.pretrained import pretrained_files

_REFUSALS = (AssertionError, NotImplementedError, ValueError)


def build_model(config: Config, dataset: Any) -> Any:
    """The model for a training split, on the CPU or wherever it puts itself.

    Raises:
        DataError: a file of weights trained before is absent, damaged or holds more than tensors.
        UsageError: the model refuses its settings, or the weights trained before do not fit.
    """
    try:
        with pretrained_files(config) as read:
            return config.model_class(read, dataset)
    except RecBoleExtError:
        raise
    except FileNotFoundError as error:
        raise DataError(f"{config.model} reads {error.filename}, which does not exist") from None
    except _REFUSALS as error:
        if not refused_by_recbole(error):
            raise refused_settings(config, error, "building the model") or error from error.__cause__
        raise UsageError(f"{config.model} cannot be built with these settings: {reason(error)}") from None
    except Exception as error:
        refused = None if is_out_of_memory(error) else refused_settings(config, error, "building the model")
        raise _of_weights(config.model, error) or refused or error from error.__cause__


def _of_weights(model: str, error: Exception) -> RecBoleExtError | None:
    """The error for weights trained before that cannot be taken; None if something else went wrong."""
    if type(error).__name__ == "UnpicklingError":
        return DataError(
            f"{model}: the file of weights trained before is damaged, or holds more than tensors; nothing in it was "
            "executed. Create it again with the model's own pre-training stage"
        )
    text = str(error).splitlines()[-1].strip() if str(error) else ""
    absent = isinstance(error, KeyError) and ".weight" in text
    if absent or "loading state_dict" in str(error) or "must match the size" in text:
        return UsageError(
            f"{model}: the weights trained before do not fit: {'they have no ' * absent}{text}; they must come from a "
            "run of the right model on the same data with the same sizes"
        )
    return None
