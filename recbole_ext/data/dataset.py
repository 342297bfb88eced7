"""What the data sets of all tasks share: exact reading, filters, splits by time, counts of rows, a stored state."""

from recbole_ext.data.exact import ExactTime
from recbole_ext.data.item_content import ItemContent
from recbole_ext.data.links import LinkedItems
from recbole_ext.data.restorable import Restorable
from recbole_ext.data.rows.cut import FileParts
from recbole_ext.data.rows.filters import FastFilters
from recbole_ext.data.rows.parts import TrainedRows
from recbole_ext.data.rows.row_counts import RowCounts
from recbole_ext.data.rows.time_splits import TimeSplit


class ExactRows(Restorable, TrainedRows, FileParts, RowCounts, ItemContent, ExactTime, FastFilters, TimeSplit):
    """Mixin before a data set class of RecBole: its rows, read exactly, filtered fast and counted."""


class LinkedRows(Restorable, TrainedRows, FileParts, RowCounts, ExactTime, LinkedItems, FastFilters, TimeSplit):
    """The same before a class with a knowledge graph, whose links decide which rows stay and how items are numbered."""
