"""Every exception pyengine raises on purpose.

::

    PyEngineError
    ├─ InvalidInputError(ValueError)       a value, shape, dtype or row outside what is documented
    ├─ NotFoundError(KeyError)             an id, a file or a folder that does not exist
    ├─ CorruptIndexError(ValueError)       stored bytes contradict themselves or their checksum
    ├─ IncompatibleIndexError(ValueError)  sound, but of another format version, analyzer or embedder
    ├─ StorageError(OSError)               the operating system refused: full disk, permissions, I/O
    ├─ LockedError(StorageError)           another writer holds the index
    ├─ MissingExtraError(ImportError)      an optional part is not installed; the message says which
    └─ BackendError(RuntimeError)          ONNX Runtime, CUDA or another backend failed

Catch by project or by meaning::

    try:
        engine = pyengine.Engine.open("idx/")
    except pyengine.errors.PyEngineError as error:
        print(error)

Every message names the argument or the file, line and field, what was expected, what was got, and
the mend.
"""

__all__ = [
    "BackendError",
    "CorruptIndexError",
    "IncompatibleIndexError",
    "InvalidInputError",
    "LockedError",
    "MissingExtraError",
    "NotFoundError",
    "PyEngineError",
    "StorageError",
]


class PyEngineError(Exception):
    """Base of everything below."""


class InvalidInputError(PyEngineError, ValueError):
    """An argument or an input row is outside what is documented."""


class NotFoundError(PyEngineError, KeyError):
    """An id, a file or a folder that was asked for does not exist."""

    def __str__(self) -> str:
        # KeyError shows repr(message); a sentence for people should not come in quotes.
        return Exception.__str__(self)


class CorruptIndexError(PyEngineError, ValueError):
    """Stored bytes contradict themselves or their checksum."""


class IncompatibleIndexError(PyEngineError, ValueError):
    """Stored bytes are sound but belong to another format version, analyzer or embedder."""


class StorageError(PyEngineError, OSError):
    """The operating system refused an operation: full disk, missing permission, I/O error."""

    def __str__(self) -> str:
        return Exception.__str__(self)


class LockedError(StorageError):
    """Another writer holds the index."""


class MissingExtraError(PyEngineError, ImportError):
    """An optional part is not installed; the message names the extra to install."""


class BackendError(PyEngineError, RuntimeError):
    """ONNX Runtime, CUDA or another backend failed."""
