"""Vectors on disk: embed a text once per vector space, whatever collection it stands in."""

import fcntl
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from pyengine.types import Embedder

__all__ = ["CachedEmbedder"]

Progress = Callable[[int, int | None], None]
DIGEST = 16


class CachedEmbedder:
    """An embedder that asks another one only for texts it has not seen.

    Embedding is nearly all the cost of this benchmark, so it is kept and can be interrupted: vectors are
    appended chunk by chunk, keys last, and what a kill left half-written is ignored and overwritten.

    Parameters
    ----------
    inner : Embedder
        Computes what is missing.
    folder : Path
        Below it, one folder per vector space, named by the embedder's fingerprint.
    chunk : int
        Texts embedded between two writes.

    Notes
    -----
    Threads: not safe. Processes: several may append to one folder, a file lock orders them.
    """

    def __init__(self, inner: Embedder, folder: Path, *, chunk: int = 1024) -> None:
        self._inner = inner
        self._chunk = chunk
        name = hashlib.sha256(inner.fingerprint.encode()).hexdigest()[:16]
        self._folder = folder / name
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "fingerprint.txt").write_text(inner.fingerprint + "\n", encoding="utf-8")
        self._keys = self._folder / "keys.bin"
        self._vectors = self._folder / "vectors.f32"
        for path in (self._keys, self._vectors):
            path.touch()
        self._rows: dict[bytes, int] = {}
        self._reload()

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self._inner.dim

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the embedder behind."""
        return self._inner.fingerprint

    def __len__(self) -> int:
        """Texts kept."""
        return len(self._rows)

    def _reload(self) -> None:
        keys = self._keys.read_bytes()
        whole = min(len(keys) // DIGEST, self._vectors.stat().st_size // (4 * self.dim))
        self._rows = {keys[i * DIGEST : (i + 1) * DIGEST]: i for i in range(whole)}
        self._whole = whole

    def missing(self, texts: Sequence[str], *, kind: Literal["query", "passage"] = "passage") -> int:
        """Return how many of the texts would have to be embedded.

        Parameters
        ----------
        texts : sequence of str
        kind : "query" or "passage"
        """
        return len({_key(text, kind) for text in texts} - self._rows.keys())

    def embed(
        self,
        texts: Sequence[str],
        *,
        kind: Literal["query", "passage"] = "passage",
        progress: Progress | None = None,
    ) -> npt.NDArray[np.float32]:
        """Return unit vectors of shape ``(len(texts), dim)``, embedding those not kept yet.

        Parameters
        ----------
        texts : sequence of str
        kind : "query" or "passage"
            Part of the key, since models may prefix them differently.
        progress : callable, optional
            Called with (done, total) of the missing ones.
        """
        keys = [_key(text, kind) for text in texts]
        todo = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._rows}
        missing = list(todo)
        for start in range(0, len(missing), self._chunk):
            part = missing[start : start + self._chunk]
            self._append(part, self._inner.embed([todo[key] for key in part], kind=kind))
            if progress is not None:
                progress(start + len(part), len(missing))
        if not texts:
            return np.zeros((0, self.dim), dtype=np.float32)
        kept = np.memmap(self._vectors, dtype="<f4", mode="r", shape=(self._whole, self.dim))
        return np.asarray(kept[[self._rows[key] for key in keys]], dtype=np.float32)

    def _append(self, keys: list[bytes], vectors: npt.NDArray[np.float32]) -> None:
        with self._keys.open("r+b") as keys_file, self._vectors.open("r+b") as vectors_file:
            fcntl.flock(keys_file, fcntl.LOCK_EX)
            self._reload()
            vectors_file.seek(self._whole * 4 * self.dim)
            vectors_file.write(np.ascontiguousarray(vectors, dtype="<f4").tobytes())
            vectors_file.flush()
            keys_file.seek(self._whole * DIGEST)
            keys_file.write(b"".join(keys))
            keys_file.flush()
            self._reload()


def _key(text: str, kind: str) -> bytes:
    return hashlib.blake2b(f"{kind}\0{text}".encode(), digest_size=DIGEST).digest()
