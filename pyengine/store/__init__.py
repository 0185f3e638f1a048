"""A directory that holds one index: generations, checksums, one writer, atomic publish.

Knows nothing of what the files mean: lexical, dense or corpus, they are bytes with a length and a checksum.
``docs/storage.md`` describes the directory and what survives what.
"""

from pyengine.store.directory import Store
from pyengine.store.manifest import FORMAT_VERSION, FileEntry, Manifest
from pyengine.store.writer import Writer

__all__ = ["FORMAT_VERSION", "FileEntry", "Manifest", "Store", "Writer"]
