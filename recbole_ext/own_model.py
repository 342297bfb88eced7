"""A user's own model class: found by `package.module:Class`, checked, with its source and its property file.

The class is a subclass of one of RecBole's base classes (`recbole.model.abstract_recommender`), of one of RecBole's
models or of a model of this package. Its module is imported from the Python path or from the working directory.
"""

import importlib
import inspect
import re
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from recbole_ext.errors import ResourceError, UsageError, nearest

_REFERENCE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w{0,63}")
_NOT_READ = ("torch", "builtins", "abc", "recbole.model.abstract_recommender", "recbole.model.init")
FAMILIES = {"GENERAL": "general", "TRADITIONAL": "general", "SEQUENTIAL": "sequential", "CONTEXT": "context_aware"}
FAMILIES |= {"KNOWLEDGE": "knowledge_aware", "DECISIONTREE": "exlib"}
"""RecBole's `ModelType` -> the registry's family."""


def reference_of(model_class: type[Any]) -> str:
    """`package.module:Class`."""
    return f"{model_class.__module__}:{model_class.__qualname__}"


def class_named(reference: str) -> type[Any]:
    """Import a class.

    Args:
        reference: `package.module:Class`.

    Raises:
        UsageError: it has another form, there is no such module or class, or the module raises an error.
        ResourceError: the module needs a library that is not installed.
    """
    if not _REFERENCE.fullmatch(reference):
        raise UsageError(
            f"--model: a class of your own is named package.module:Class (got {reference[:80]!r}), for instance "
            "--model=my_models:MyModel for the class MyModel of my_models.py in this folder"
        )
    module_name, _, name = reference.partition(":")
    module = _imported(module_name, reference)
    found = getattr(module, name, None)
    if isinstance(found, type):
        return found
    classes = [each for each, value in vars(module).items() if isinstance(value, type)]
    hint = (
        "; a class of a script is known in that script alone, so put it into a module" * (module_name == "__main__")
    ) or nearest(name, classes)
    raise UsageError(f"--model={reference}: the module {module_name} has no class {name}{hint}")


def _imported(module_name: str, reference: str) -> ModuleType:
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if module_name == missing or module_name.startswith(f"{missing}."):
            raise UsageError(
                f"--model={reference}: there is no module {missing!r} in {Path.cwd()} or on the Python path; "
                "start in the folder that holds it, or set PYTHONPATH"
            ) from None
        raise ResourceError(
            f"--model={reference} needs the library {missing!r}, which is not installed; install it with: "
            f"pip install {missing}"
        ) from None
    except Exception as error:
        at = traceback.extract_tb(error.__traceback__)[-1]
        where = (error.filename, error.lineno) if isinstance(error, SyntaxError) else (at.filename, at.lineno)
        raise UsageError(
            f"--model={reference}: importing {module_name} raises {type(error).__name__}: {error}\n"
            f"at {where[0]}:{where[1]}; fix the module"
        ) from None


def check_class(model_class: type[Any]) -> None:
    """Refuse what cannot be trained.

    Raises:
        UsageError: it is no model of RecBole's kind, or a method is missing.
    """
    from recbole.model.abstract_recommender import AbstractRecommender

    name = reference_of(model_class)
    if not issubclass(model_class, AbstractRecommender) or getattr(model_class, "type", None) is None:
        raise UsageError(
            f"--model={name}: a model derives from GeneralRecommender, SequentialRecommender, ContextRecommender or "
            f"KnowledgeRecommender of recbole.model.abstract_recommender ({model_class.__name__} does not)"
        )
    missing = [what for what in ("calculate_loss", "predict") if _inherited(model_class, what, AbstractRecommender)]
    if "predict" in missing and not _inherited(model_class, "full_sort_predict", AbstractRecommender):
        missing.remove("predict")
    if missing:
        meaning = {
            "calculate_loss": "calculate_loss(interaction), which returns the loss of a batch",
            "predict": "predict(interaction), which scores rows of users and items, or full_sort_predict(interaction)",
        }
        raise UsageError(f"--model={name}: the class has no method {'; nor '.join(meaning[m] for m in missing)}")


def _inherited(model_class: type[Any], method: str, base: type[Any]) -> bool:
    """Whether a method is the base class's own, which only raises an error."""
    return getattr(model_class, method) is getattr(base, method)


def family_of(model_class: type[Any]) -> str:
    """The registry's family of a class."""
    return FAMILIES[model_class.type.name]


def source_of(model_class: type[Any]) -> str:
    """Text of the modules that define a class and the models which it derives from; of a notebook, its methods."""
    texts: dict[str, str] = {}
    for each in model_class.__mro__:
        if not each.__module__.startswith(_NOT_READ):
            texts.setdefault(each.__module__, _text_of(each))
    return "\n".join(texts.values())


def _text_of(model_class: type[Any]) -> str:
    file = _file_of(model_class)
    if file:
        return file.read_text(encoding="utf-8")
    methods = [value for value in vars(model_class).values() if inspect.isfunction(value)]
    return "\n".join(_source_or_none(method) for method in methods)


def _source_or_none(method: Any) -> str:
    try:
        return inspect.getsource(method)
    except (OSError, TypeError):
        return ""


def _file_of(model_class: type[Any]) -> Path | None:
    """The file of a class's module; None in a notebook."""
    file = getattr(sys.modules.get(model_class.__module__), "__file__", None)
    return Path(file) if file and Path(file).is_file() else None


def properties_of(model_class: type[Any]) -> Path:
    """`Class.yaml` beside the module, of a notebook in the working directory; it need not exist."""
    file = _file_of(model_class)
    return (file.parent if file else Path.cwd()) / f"{model_class.__name__}.yaml"
