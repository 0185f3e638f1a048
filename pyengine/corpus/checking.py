"""Do the documents of a stored corpus and its id file say the same?"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pyengine.corpus.chunks import DocumentStarts
from pyengine.corpus.idfile import MEND, IdFile
from pyengine.corpus.ids import hash_ids
from pyengine.errors import CorruptIndexError, InvalidInputError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["check_documents"]


def check_documents(
    batches: "Iterable[pa.RecordBatch]", path: Path, ids: IdFile, *, chunked: bool
) -> npt.NDArray[np.uint64]:
    """Check every value of the documents, and that the id file finds each; return the hashes of their ids.

    Parameters
    ----------
    batches : iterable of pyarrow.RecordBatch
        All documents or chunks, in order.
    path : Path
        The Arrow file, for messages.
    ids : IdFile
    chunked : bool
        Whether rows are chunks.

    Returns
    -------
    uint64, shape (documents,)

    Raises
    ------
    CorruptIndexError
        As `StoredCorpus.verify`.
    """
    import pyarrow as pa

    hashes = [np.zeros(0, dtype=np.uint64)]
    first_rows = [np.zeros(0, dtype=np.int64)]
    starts, done = DocumentStarts(), 0
    for i, batch in enumerate(batches):
        try:
            batch.validate(full=True)
            first = starts.of(batch) if chunked else np.ones(batch.num_rows, dtype=np.bool_)
        except (pa.ArrowException, OSError, UnicodeDecodeError, InvalidInputError) as error:
            raise CorruptIndexError(f"{path}: batch {i}: {error}; {MEND}") from error
        hashes.append(hash_ids(batch.column(0))[0][first])
        first_rows.append(np.flatnonzero(first) + done)
        done += batch.num_rows
    joined = np.concatenate(hashes)
    ids.verify(joined, np.concatenate(first_rows))
    return joined
