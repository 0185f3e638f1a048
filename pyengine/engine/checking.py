"""Is a generation whole, and do its parts agree?"""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice

import numpy as np
import numpy.typing as npt

from pyengine.engine.segments import Segment
from pyengine.engine.snapshot import Snapshot
from pyengine.errors import CorruptIndexError, IncompatibleIndexError, NotFoundError
from pyengine.store import Store

__all__ = ["check"]

# Of ids that are live twice, so many are named: the index has to be built again after one as after all.
_NAMED = 10


def check(store: Store, snapshot: Snapshot) -> list[str]:
    """Read every byte of a generation; check it against its checksums and the parts against each other.

    Checked are the SHA-256 of each file; each corpus, lexical index and vector index by its own rules, so
    that postings are sound, ids lead to their rows and each row has one vector; and that no id is live twice.
    That all parts of a segment hold as many documents was checked when it was opened. Texts are not analysed
    again, so what is checked is what was written, not whether that was right.

    Parameters
    ----------
    store : Store
        On the snapshot's generation.
    snapshot : Snapshot

    Returns
    -------
    list of str
        One sentence per problem, naming the file; empty when all is well.

    Raises
    ------
    StorageError
        The system refused to read a file.
    """
    problems = store.verify(deep=True)
    if problems:
        return problems  # the parts would say the same once more, in other words
    hashes: list[npt.NDArray[np.uint64]] = []
    for segment in snapshot.segments:
        problems += _said(partial(_read_ids, segment, hashes))
        problems += _said(segment.lexical.verify)
        for part in (segment.pairs, segment.dense):
            if part is not None:
                problems += _said(part.verify)
    if problems:
        return problems
    return [
        f"{store.path}: id {id_!r} is live in {count} documents; build the index again"
        for id_, count in islice(_repeated(snapshot.segments, hashes).items(), _NAMED)
    ]


def _read_ids(segment: Segment, into: list[npt.NDArray[np.uint64]]) -> None:
    into.append(segment.corpus.verify())


def _said(step: Callable[[], object]) -> list[str]:
    try:
        step()
    except (CorruptIndexError, IncompatibleIndexError, NotFoundError) as error:
        return [str(error)]
    return []


def _repeated(segments: Sequence[Segment], hashes: Sequence[npt.NDArray[np.uint64]]) -> dict[str, int]:
    """Return the ids that more than one live document has, and how many have them."""
    live = [
        np.flatnonzero(~np.isin(segment.corpus.documents.first_rows, segment.deleted)) for segment in segments
    ]
    values, counts = np.unique(
        np.concatenate([of_documents[kept] for of_documents, kept in zip(hashes, live, strict=True)]),
        return_counts=True,
    )
    # Different ids may share a hash, so the ids themselves decide.
    suspects = values[counts > 1]
    found: Counter[str] = Counter()
    for segment, of_documents, kept in zip(segments, hashes, live, strict=True):
        places = kept[np.isin(of_documents[kept], suspects)]
        found.update(segment.corpus.ids(segment.corpus.documents.first_rows[places].tolist()))
    return {id_: count for id_, count in found.items() if count > 1}
