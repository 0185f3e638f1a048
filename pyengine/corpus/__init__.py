"""Documents: read from many formats as checked Arrow batches, stored on disk, found by row and by id.

``docs/corpus.md`` describes every input format and what every kind of bad input gets.
"""

from pyengine.corpus.chunking import Chunker
from pyengine.corpus.chunks import ChunkPlace, Documents
from pyengine.corpus.columns import conform, unified
from pyengine.corpus.filtering import admitted, admitted_of
from pyengine.corpus.indexed import FIRST_SEAM, SEAM, embedded_text, indexed_text
from pyengine.corpus.joined import JoinedCorpus
from pyengine.corpus.report import CorpusReport, Problem
from pyengine.corpus.source import Corpus
from pyengine.corpus.stored import StoredCorpus
from pyengine.corpus.writing import write_ipc

__all__ = [
    "FIRST_SEAM",
    "SEAM",
    "ChunkPlace",
    "Chunker",
    "Corpus",
    "CorpusReport",
    "Documents",
    "JoinedCorpus",
    "Problem",
    "StoredCorpus",
    "admitted",
    "admitted_of",
    "conform",
    "embedded_text",
    "indexed_text",
    "unified",
    "write_ipc",
]
