"""Where the terms of an index stand in its documents: `PositionsBuilder`."""

import os
import tempfile
from typing import Any

from pyengine import _core
from pyengine.config import MAX_BUILD_THREADS
from pyengine.errors import InvalidInputError
from pyengine.sparse.builder import memory_budget
from pyengine.sparse.index import Bm25Index
from pyengine.sparse.inputs import require_count
from pyengine.text import Analyzer

__all__ = ["PositionsBuilder"]


class PositionsBuilder:
    """Reads the documents of an index once more and writes down where their terms stand.

    The file is for `Bm25Index.with_positions`. One thread at a time.

    Parameters
    ----------
    index : Bm25Index
        Of texts, as it was built; rows are those of its documents.
    seam : str
        What was put between title and text.
    n_threads : int, 1 to 1024
        Threads that share the analysis; the file is the same bytes for any number.
    memory_mb : int, >= 64, optional
        Bound on the memory for sorting, in MiB; what is collected then lies in a temporary file. The
        vocabulary and the finished places come on top. None: no bound; about 7 bytes a token then.
    scratch : path-like, optional
        The folder of that file, ``tempfile.gettempdir()`` by default.

    Raises
    ------
    InvalidInputError
        An index of token lists, of several segments or with deletions; a number out of range.
    StorageError
        ``scratch`` refuses a file.
    """

    __slots__ = ("_analyzer", "_core", "_index")

    def __init__(
        self,
        index: Bm25Index,
        seam: str,
        *,
        n_threads: int = 1,
        memory_mb: int | None = None,
        scratch: str | os.PathLike[str] | None = None,
    ) -> None:
        if index.analyzer is None:
            raise InvalidInputError("index: expected one of texts, got one of token lists")
        self._analyzer: Analyzer = index.analyzer
        self._index = index._core
        self._core = _core.PositionsBuilder(
            self._index,
            seam,
            n_threads=require_count("n_threads", n_threads, MAX_BUILD_THREADS),
            memory=memory_budget(memory_mb),
            scratch=os.fsencode(tempfile.gettempdir() if scratch is None else scratch),
        )

    def add(self, titles: Any, texts: Any) -> None:
        """Read the next documents, in the order of their rows.

        Parameters
        ----------
        titles, texts : sequences of str or Arrow arrays of strings, of one length
            What was indexed as title, seam, text, or as the text alone where there is no title; a title
            may have been repeated.

        Raises
        ------
        InvalidInputError
            They are not the documents of the index.
        StorageError
            As the constructor.

        Notes
        -----
        The GIL is released; Ctrl-C is honoured.
        """
        self._core.add(self._analyzer._core, titles, texts)
        stemmed = self._analyzer.stemmer is not None
        self._core.resolve(self._analyzer._stem(self._core.new_terms()) if stemmed else None)

    def save(self, file: str | os.PathLike[str]) -> None:
        """Sort what was read by term and write it to a file, atomically. Cost: O(tokens).

        Parameters
        ----------
        file : path-like

        Raises
        ------
        InvalidInputError
            Documents are missing, or were others than those of the index.
        StorageError
            The operating system refused.
        """
        self._core.save(self._index, os.fsencode(file))
