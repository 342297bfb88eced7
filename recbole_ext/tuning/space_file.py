"""A space of settings from a file: YAML, or one of RecBole's hyper files."""

from pathlib import Path

from recbole_ext.config.yaml_reader import read_yaml
from recbole_ext.errors import UsageError, nearest
from recbole_ext.places import properties_folder
from recbole_ext.tuning.hyper_file import read_hyper_file
from recbole_ext.tuning.space import Parameter, space_of


def read_space(name: str) -> tuple[list[Parameter], str]:
    """A space from a file, or a shipped one by its name.

    Args:
        name: path of a `.yaml` or of one of RecBole's hyper files, or the name of a file in properties/tune.

    Returns:
        The parameters, and what to call their source in messages.

    Raises:
        UsageError: no such space, or something in it is not allowed; all errors are listed.
    """
    path = Path(name)
    shipped = {each.stem: each for each in (properties_folder() / "tune").glob("*.yaml")}
    if not path.is_file():
        if name not in shipped:
            known = ", ".join(sorted(shipped))
            raise UsageError(f"--space: no file {name!r}{nearest(name, shipped)} Shipped spaces: {known}")
        path = shipped[name]
    if path.suffix not in (".yaml", ".yml"):
        return read_hyper_file(path), path.name
    values, lines = read_yaml(path)
    return space_of(values, path.name, lines), path.name
