"""The lines that a run begins with in the terminal."""

from pathlib import Path
from typing import Any

from recbole_ext.amounts import amount
from recbole_ext.config.config import Config
from recbole_ext.config.seeds import read_seeds
from recbole_ext.config.show import unread_lines
from recbole_ext.evaluation.protocol import Protocol
from recbole_ext.evaluation.tables import labelled
from recbole_ext.places import from_here
from recbole_ext.training.cost.budget import price_lines


def opening_lines(
    config: Config, parameters: int | None, epochs: int, protocol: Protocol, data: Any, folder: Path | None
) -> list[str]:
    """What a run does: model and size, protocol, columns, where it writes, and what of its settings it does not read.

    Args:
        config: of the run.
        parameters: how many the model learns; None for boosted trees.
        epochs: at most.
        protocol: of the run.
        data: its data set, with the roles of its columns.
        folder: of the run; None for a process that writes nothing.
    """
    size = "boosted trees" if parameters is None else f"{parameters:,} parameters"
    return [
        f"{config.model} on {config.dataset}: {size} on {config['device']}, at most {amount(epochs, 'epoch')}",
        *protocol.lines(),
        *labelled("columns", data.columns.line()),
        f"data        {counted(data)}",
        f"run         {from_here(folder) if folder else '-'}",
        *price_lines(config),
        *_seeds_line(config),
        *unread_lines(config),
    ]


def counted(data: Any) -> str:
    """How many users and items a data set has."""
    return ", ".join(amount(n, name.removesuffix("s")) for name, n in data.real_counts.items())


def _seeds_line(config: Config) -> list[str]:
    """That a list of seeds in a file is not what a single run reads."""
    seeds = read_seeds(config["seeds"])
    if not seeds:
        return []
    named = f"{config.origins['seeds']} names {len(seeds)} seeds; this run takes {config['seed']} alone"
    return [f"seeds       {named}. All of them: --seeds={','.join(map(str, seeds))}"]
