"""A block of any format to columns."""

import numpy as np
import polars as pl

from dataset_tools.convert.table.reading.blocks import Block
from dataset_tools.convert.table.reading.csv_rows import parse_csv
from dataset_tools.convert.table.reading.json_lines import parse_json
from dataset_tools.convert.table.reading.parsed import Parsed


def parse_block(block: Block, wanted: list[str]) -> Parsed:
    """Read the wanted columns of a block."""
    if isinstance(block.data, pl.DataFrame):
        return Parsed(block.data.select(wanted), np.arange(len(block)), {}, len(block))
    return parse_json(block, wanted) if block.source.kind == "json" else parse_csv(block, wanted)
