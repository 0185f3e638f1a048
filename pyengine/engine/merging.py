"""Which segments a commit brings together: the merge policy."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from pyengine.errors import InvalidInputError

__all__ = ["MergeAll", "MergePolicy", "SegmentSize", "TieredMerge", "checked_ranges"]


@dataclass(frozen=True, slots=True)
class SegmentSize:
    """What a merge policy knows of a segment.

    Parameters
    ----------
    documents : int
        Documents that are not deleted; 1 or more.
    deleted : int
        Documents that are.
    """

    documents: int
    deleted: int


@runtime_checkable
class MergePolicy(Protocol):
    """Anything that says which neighbouring segments become one."""

    def merges(self, segments: Sequence[SegmentSize]) -> Sequence[range]:
        """Return ranges of places in ``segments``, ascending and without overlap.

        Each is written anew as one segment without what was deleted; a range of one only drops that. Only
        neighbours can be merged, because the order of rows is the order of documents.
        """
        ...


@dataclass(frozen=True, slots=True)
class TieredMerge:
    """Merges segments of like size, so that there are few and each document is written few times.

    Sizes fall into tiers, each ``factor`` times the one below. ``factor`` neighbours of one tier, with
    smaller ones between or behind them, become one segment, mostly of the next tier. So an index of n
    documents has at most ``factor - 1`` segments a tier, and a document is written once a tier:
    log(n / smallest) / log(factor) times. After Lucene's LogMergePolicy.

    Parameters
    ----------
    factor : int, >= 2
        8: at most 7 segments a tier to search, and at a million documents four tiers.
    smallest : int, >= 1
        Segments of fewer documents count as this large. 1000, which is written in milliseconds.
    max_deleted : float, 0 to 1
        Share of deleted documents from which a segment is written anew alone. A third: until then they cost
        less to skip than to move.

    Raises
    ------
    InvalidInputError
        A value outside its range.
    """

    factor: int = 8
    smallest: int = 1000
    max_deleted: float = 1 / 3

    def __post_init__(self) -> None:
        if self.factor < 2 or self.smallest < 1 or not 0 <= self.max_deleted <= 1:
            raise InvalidInputError(
                "TieredMerge: expected factor of 2 or more, smallest of 1 or more, max_deleted of 0 to 1, "
                f"got {self.factor!r}, {self.smallest!r}, {self.max_deleted!r}"
            )

    def merges(self, segments: Sequence[SegmentSize]) -> list[range]:
        """Return the merges, those that follow from others joined with them.

        Parameters
        ----------
        segments : sequence of SegmentSize
            In order of their rows.
        """
        # What is there after the merges so far: the places each covers, and its documents.
        runs = [(range(i, i + 1), segment.documents) for i, segment in enumerate(segments)]
        while (found := self._next(runs)) is not None:
            inside = runs[found.start : found.stop]
            whole = range(inside[0][0].start, inside[-1][0].stop)
            runs[found.start : found.stop] = [(whole, sum(documents for _, documents in inside))]
        return [places for places, _ in runs if len(places) > 1 or self._is_worn(segments[places.start])]

    def _is_worn(self, segment: SegmentSize) -> bool:
        share = segment.deleted / (segment.documents + segment.deleted)
        return segment.deleted > 0 and share >= self.max_deleted

    def _tier(self, documents: int) -> int:
        tier, limit = 0, self.smallest * self.factor
        while documents >= limit:
            tier, limit = tier + 1, limit * self.factor
        return tier

    def _next(self, runs: Sequence[tuple[range, int]]) -> range | None:
        """Return the first places in ``runs`` to merge, in the lowest tier that has some."""
        tiers = [self._tier(documents) for _, documents in runs]
        for tier in sorted(set(tiers)):
            start = 0
            while start < len(tiers):
                stop = start
                while stop < len(tiers) and tiers[stop] <= tier:
                    stop += 1
                if tiers[start:stop].count(tier) >= self.factor:
                    return range(start, stop)
                start = stop + 1
        return None


@dataclass(frozen=True, slots=True)
class MergeAll:
    """The merge that leaves one segment without deletions.

    Parameters
    ----------
    anew : bool
        Write a segment anew also where it is the only one and has no deletions.
    """

    anew: bool = False

    def merges(self, segments: Sequence[SegmentSize]) -> list[range]:
        """Return the one range of all places; none if that is how it is already.

        Parameters
        ----------
        segments : sequence of SegmentSize
        """
        whole = not self.anew and len(segments) == 1 and segments[0].deleted == 0
        return [] if whole or not segments else [range(len(segments))]


def checked_ranges(ranges: Sequence[range], n_segments: int) -> list[range]:
    """Return what a policy answered, or raise `InvalidInputError`.

    Parameters
    ----------
    ranges : sequence of range
    n_segments : int
    """
    end = 0
    for places in ranges:
        if places.step != 1 or not end <= places.start < places.stop <= n_segments:
            raise InvalidInputError(
                f"merge policy: expected ascending ranges within 0 to {n_segments} that do not overlap, "
                f"got {list(ranges)}"
            )
        end = places.stop
    return list(ranges)
