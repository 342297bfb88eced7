"""Writes the parts of a time cut and counts what is in them, in one pass over the file."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dataset_tools.errors import UnsortedError
from dataset_tools.files.interactions import Chunk, Interactions
from dataset_tools.files.output import OutputFile
from dataset_tools.progress import Progress
from dataset_tools.split.cut import offset_of
from dataset_tools.split.filters import IdMap, Kept
from dataset_tools.split.parts import Part, PartCounter
from dataset_tools.times.clocks import steps

_EVER = 2**62


@dataclass(frozen=True)
class Plan:
    """Where a file is cut.

    Args:
        cut: first second of the future.
        parts: train, valid unless there is none, and test, which is the whole future.
        windows: of the future, in order, side by side.
        n_past: number of parts before the cut, 1 or 2.
    """

    cut: int
    parts: list[Part]
    windows: list[Part]
    n_past: int


def sorted_chunks(log: Interactions, quiet: bool) -> Iterator[Chunk]:
    """All chunks, with a progress bar.

    Raises:
        UnsortedError: a row is earlier than the row before it.
    """
    bar = Progress(f"cutting {log.path.name}", log.path.stat().st_size, enabled=not quiet)
    before = (-_EVER, 0)
    for chunk in log.chunks():
        finer = chunk.fractions
        ends = [(int(chunk.times[k]), 0 if finer is None else int(finer[k])) for k in (0, -1)]
        if ends[0] < before or steps(chunk.times, finer)[0].any():
            raise UnsortedError(f"{log.path}: not in time order.")
        before = ends[1]
        yield chunk
        bar.update(chunk.part.end - chunk.part.start)
    bar.close()


def pieces(chunk: Chunk, parts: list[Part]) -> Iterator[tuple[int, Chunk]]:
    """The rows of each part within a chunk, in order."""
    starts = [-_EVER if part.start is None else part.start for part in parts]
    ends = [_EVER if part.end is None else part.end for part in parts]
    begin, stop = np.searchsorted(chunk.times, starts), np.searchsorted(chunk.times, ends)
    for index in np.flatnonzero(begin < stop).tolist():
        yield index, chunk.piece(int(begin[index]), int(stop[index]))


class PartWriter:
    """Writes `<stem>.<part>.inter` for every part and window.

    Args:
        log: the file that is cut.
        plan: where.
        kept: users and items with enough rows in the past.
        stem: path of the output without suffixes.
        warm: leave out future rows whose user or item is not in the past.
        maps: of users and items, where ids are renumbered.
    """

    def __init__(
        self,
        log: Interactions,
        plan: Plan,
        kept: Kept,
        stem: Path,
        warm: bool,
        maps: tuple[IdMap, IdMap] | None,
    ) -> None:
        self.log, self.plan, self.kept, self.stem, self.warm, self.maps = log, plan, kept, stem, warm, maps
        self.counter = PartCounter(plan.parts, plan.n_past)
        self.windows: PartCounter | None = None

    def write(self, quiet: bool) -> None:
        """Write all files and fill the counts of the plan's parts."""
        with self.log.path.open("rb") as file:
            header = file.readline().rstrip(b"\r\n") + b"\n"
        outputs = {part.name: self._open(part, header) for part in (*self.plan.parts, *self.plan.windows)}
        try:
            for chunk in sorted_chunks(self.log, quiet):
                for index, piece in pieces(chunk, self.plan.parts):
                    self._part(index, piece, outputs)
        finally:
            for output in outputs.values():
                output.close()
        self._finish()

    def _open(self, part: Part, header: bytes) -> OutputFile:
        """The part's file, with room for the bytes that the cut gives it."""
        begin = self.log.start if part.start is None else offset_of(self.log, part.start)
        end = self.log.end if part.end is None else offset_of(self.log, part.end)
        path = self.stem.with_name(f"{self.stem.name}.{part.name}.inter")
        output = OutputFile(path, len(header) + max(end - begin, 0), hashed=False)
        output.write(header)
        return output

    def _part(self, index: int, piece: Chunk, outputs: dict[str, OutputFile]) -> None:
        """Filter, count and write the rows of one part."""
        self.counter.go_to(index)
        part, rows = self.plan.parts[index], len(piece.times)
        stays = self._stays(index, piece)
        if stays is not None:
            piece = piece.take(stays)
            part.left_out += rows - len(piece.times)
        self.counter.add(index, piece.users, piece.items, piece.times)
        outputs[part.name].write(self._text(piece))
        if index == self.plan.n_past and self.plan.windows:
            self._window(piece, outputs)

    def _stays(self, index: int, piece: Chunk) -> np.ndarray | None:
        """(rows,) bool of the rows that stay, None for all; minima bind the past, `warm` binds the future."""
        if index < self.plan.n_past:
            return None if self.kept.users is None else self.kept.rows(piece)
        if not self.warm:
            return None
        return ~(self.counter.users.unknown(piece.users) | self.counter.items.unknown(piece.items))

    def _window(self, piece: Chunk, outputs: dict[str, OutputFile]) -> None:
        if self.windows is None:
            self.windows = PartCounter(self.plan.windows, 0, self.counter.users, self.counter.items)
        for index, rows in pieces(piece, self.plan.windows):
            self.windows.add(index, rows.users, rows.items, rows.times)
            outputs[self.plan.windows[index].name].write(self._text(rows))

    def _text(self, piece: Chunk) -> bytes | memoryview:
        if self.maps is None:
            return np.ascontiguousarray(piece.buffer).data
        from dataset_tools.split.remap import renumbered  # loads polars, which nothing else here needs

        return renumbered(piece, self.log, self.maps)

    def _finish(self) -> None:
        self.counter.go_to(len(self.plan.parts))
        if self.windows is not None:
            self.windows.go_to(len(self.plan.windows))
        if self.maps is not None:
            self._write_maps(self.maps)

    def _write_maps(self, maps: tuple[IdMap, IdMap]) -> None:
        from dataset_tools.split.remap import write_map

        for name, ids, numbers, known in (
            ("user", self.log.users, maps[0], self.counter.users),
            ("item", self.log.items, maps[1], self.counter.items),
        ):
            path = self.stem.with_name(f"{self.stem.name}.{name}_map.tsv")
            write_map(path, ids, numbers, known.past)
