"""All sources of a configuration in their order, checked; imports neither torch nor RecBole.

Importing RecBole takes seconds. What is wrong with a configuration is reported before that.
"""

from typing import TYPE_CHECKING, Any

from recbole_ext.config.keys.separators import SEPARATORS, literal
from recbole_ext.config.keys.unread import unread_settings
from recbole_ext.config.layers import Layer, default_layers, merge, user_file, with_protocol
from recbole_ext.config.resolved import Resolved, data_folder
from recbole_ext.data.columns.roles import settle
from recbole_ext.data.files import require_files
from recbole_ext.names import checked_name
from recbole_ext.pipeline.checks import check
from recbole_ext.pipeline.final_of import settled
from recbole_ext.redact import remember
from recbole_ext.registry import find_model
from recbole_ext.tasks.registered import task_of

if TYPE_CHECKING:
    from recbole_ext.config.config import Config

OF_NO_DATA_SET = (
    "recbole dataset/sample.yaml",
    "recbole quick_start_config/knowledge_base.yaml",
    "recbole quick_start_config/sequential_embedding_model.yaml",
)
"""Files whose `load_col` is for whatever data set there is; the columns follow from the model and the settings then."""


def resolve(
    model: str | type[Any],
    dataset: str,
    config_files: list[str],
    given: dict[str, Any],
    above: Layer | None = None,
    below: Layer | None = None,
) -> Resolved:
    """Read all sources and check their values.

    Args:
        model: a name of the registry, `package.module:Class` of a class of the user, or the class.
        dataset: name of the data set's folder.
        config_files: paths, or names of files in properties/model, later ones win.
        given: values from the command line.
        above: values over those, for instance of a space that is searched.
        below: defaults under all others, for instance of keys that a script alone reads.

    Raises:
        UsageError: any error of the configuration; all are listed.
    """
    checked_name("--dataset", dataset)
    entry = find_model(model)
    typed = [Layer("command line", given, user=True), *([above] if above else [])]
    user = [user_file(name) for name in config_files] + typed
    for layer in user:
        layer.values = {k: v for k, v in layer.values.items() if k not in ("model", "dataset", "config_files")}
    user = settled(entry.reference or entry.name, dataset, user)
    described = data_folder(_root(user), dataset)
    lower = [*([below] if below else []), *default_layers(entry, dataset, described)]
    for layer in [*lower, *user]:
        remember(layer.values)
    layers = with_protocol(lower, user)
    values, origins = merge(layers)
    check(entry, layers, values)
    task = task_of(entry)
    for key, source in task.same_value.items():
        values[key], origins[key] = values[source], origins[source]
    values |= _in_one_form(values)
    if origins.get("load_col", "").startswith(OF_NO_DATA_SET):
        values["load_col"] = None
    return Resolved(entry, dataset, layers, values, origins, unread_settings(entry, layers, values, task.unread))


def _in_one_form(values: dict[str, Any]) -> dict[str, Any]:
    """Settings that may be written in several ways, each as all readers expect it."""
    gpu_id, suffixes = values["gpu_id"], values.get("additional_feat_suffix")
    return {
        **{key: literal(values[key]) for key in SEPARATORS},
        "TIME_FIELD": values["TIME_FIELD"] or "",  # names of lists are made by appending to it
        "gpu_id": gpu_id if gpu_id is None else str(gpu_id),
        "additional_feat_suffix": [suffixes] if isinstance(suffixes, str) else suffixes,
    }


def data_root(config_files: list[str], given: dict[str, Any]) -> str:
    """The folder of data sets that the user names; `dataset` unless one is named."""
    return _root([*map(user_file, config_files), Layer("command line", given, user=True)])


def _root(user: list[Layer]) -> str:
    roots = [root for layer in user if isinstance(root := layer.values.get("data_path"), str) and root]
    return roots[-1] if roots else "dataset"


def check_data(resolved: Resolved) -> None:
    """Report what stops a run of this configuration, from the files' names and headers alone.

    Raises:
        UsageError: there is no such data set, or `load_col` or `unload_col` makes no sense for it.
        DataError: a file of it is missing, or a column that the run needs.
    """
    require_files(resolved.dataset, resolved.data_folder, resolved.values)
    settle(resolved, task_of(resolved.entry).columns, resolved.data_folder, resolved.dataset)


def build_config(
    model: str | type[Any], dataset: str, config_files: list[str], given: dict[str, Any], above: Layer | None = None
) -> "Config":
    """Resolve all sources into one configuration, as RecBole's classes take it.

    Args:
        model, dataset, config_files, given, above: as for `resolve`.

    Raises:
        UsageError: any error of the configuration; all are listed.
        ResourceError: the model needs a library that is not installed.
    """
    from recbole_ext.config.config import Config

    return Config(resolve(model, dataset, config_files, given, above))
