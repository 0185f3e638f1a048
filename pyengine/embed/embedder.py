"""`OnnxEmbedder`: any sentence-embedding model in ONNX form, behind the `Embedder` protocol."""

import logging
import os
import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal, Self

import numpy as np
import numpy.typing as npt

from pyengine.embed.batching import TextTokenizer, pad, plan_batches
from pyengine.embed.cache import VectorCache
from pyengine.embed.choices import check_whole, choose_budget, choose_max_length, choose_pooling
from pyengine.embed.fingerprint import fingerprint_of
from pyengine.embed.folder import PACKAGED, read_folder
from pyengine.embed.pooling import check_pooling, pool
from pyengine.embed.session import ModelSession, cuda_available, load_runtime
from pyengine.embed.stats import EmbedStats
from pyengine.errors import BackendError, InvalidInputError

__all__ = ["OnnxEmbedder"]

logger = logging.getLogger(__name__)

Kind = Literal["query", "passage"]
Progress = Callable[[int, int | None], None]

_WINDOW: Final = 4096


class OnnxEmbedder:
    """Embed text with a sentence-embedding model in ONNX form, on CUDA if a GPU answers, else on CPU.

    Everything the model needs is read from its folder (``tokenizer.json``, ``config.json``,
    ``modules.json``, ``1_Pooling/config.json``, ``sentence_bert_config.json``,
    ``config_sentence_transformers.json``) and can be overridden here.

    Parameters
    ----------
    path_or_name : str or Path
        A model folder, an ``.onnx`` file in one, or the name of a packaged model: ``"minilm"``
        (all-MiniLM-L6-v2, 384 dimensions, from Python packages, no download). A folder of that name is
        reached as ``"./minilm"``.
    model_file : str, optional
        The file to run, relative to the folder. By default ``model.onnx`` or ``onnx/model.onnx``; on
        CUDA a float16 one beside it (``model_fp16.onnx``) first. Name it where one index is used on
        machines with and without a GPU: other weights are another fingerprint.
    providers : sequence of str, optional
        ONNX Runtime execution providers, in order; an error if the first cannot start. By default CUDA if
        a GPU answers, else CPU. One INFO log line says which and why.
    n_threads : int, >= 1
        Threads of one model run on the CPU. 1. With more, tokenising uses all cores too.
    max_length : int, optional
        Tokens read of a text, special tokens included; the rest is cut and counted. From the folder.
    query_prefix, passage_prefix : str, optional
        Put before every text of that kind. From the folder, else empty.
    pooling : str, optional
        ``cls``, ``max``, ``mean``, ``mean_sqrt_len_tokens``, ``weightedmean`` or ``lasttoken``, or
        several joined by ``+``. From the folder; not needed where the model itself gives text vectors.
    normalize : bool, optional
        Scale vectors to length 1. True, also where the folder does not ask for it: the vector index
        holds unit vectors.
    batch_tokens : int, optional
        Most padded tokens of one model run, which bounds its memory; a longer text runs alone. 256 on
        CPU (the fastest at every text length measured with MiniLM: more falls out of the cache), 16384
        on CUDA.
    cache_size : int, >= 0
        Query vectors remembered, least recently used first to go. 1024; at 384 dimensions 1.5 MB.

    Raises
    ------
    NotFoundError
        The folder, or a file it needs, does not exist.
    MissingExtraError
        onnxruntime, tokenizers or the packages of a packaged model are not installed.
    InvalidInputError
        An argument outside the above, or a file that is not what its name promises.
    BackendError
        ONNX Runtime cannot load the model, or is installed twice.

    Notes
    -----
    Same text, same vector: a text's vector does not depend on the texts around it. Graphs that quantise
    activations by what is in the batch are therefore run text by text; for others batching was measured
    to change no bit on the CPU, which a test holds for the packaged model (see ``docs/dense.md``).

    Threads: safe; one session serves all callers, and the GIL is released while the model runs.

    Examples
    --------
    >>> embedder = OnnxEmbedder("minilm")  # doctest: +SKIP
    >>> embedder.embed(["a query"], kind="query").shape  # doctest: +SKIP
    (1, 384)
    """

    def __init__(
        self,
        path_or_name: str | Path,
        *,
        model_file: str | None = None,
        providers: Sequence[str] | None = None,
        n_threads: int = 1,
        max_length: int | None = None,
        query_prefix: str | None = None,
        passage_prefix: str | None = None,
        pooling: str | None = None,
        normalize: bool | None = None,
        batch_tokens: int | None = None,
        cache_size: int = 1024,
    ) -> None:
        check_whole("n_threads", n_threads, 1)
        check_whole("cache_size", cache_size, 0)
        if batch_tokens is not None:
            check_whole("batch_tokens", batch_tokens, 1)
        if pooling is not None:
            check_pooling(pooling, "pooling")
        self._name = str(path_or_name)
        folder = read_folder(path_or_name, model_file)
        self._given = {
            "max_length": max_length,
            "query_prefix": query_prefix,
            "passage_prefix": passage_prefix,
            "pooling": pooling,
            "normalize": normalize,
        }
        self._model = folder.model(half=bool(folder.half_models) and _wants_cuda(providers))
        self._session = ModelSession(
            self._model,
            name=self._name,
            providers=providers,
            n_threads=n_threads,
            tokens_wanted=pooling is not None,
        )
        self._pooling = choose_pooling(folder, self._session, pooling)
        self._normalize = True if normalize is None else bool(normalize)
        self._max_length = choose_max_length(folder, self._session, max_length)
        self._prefixes: dict[str, str] = {
            "query": folder.query_prefix if query_prefix is None else query_prefix,
            "passage": folder.passage_prefix if passage_prefix is None else passage_prefix,
        }
        if not folder.prefix_in_pooling and any(self._prefixes.values()):
            raise InvalidInputError(
                f"{folder.root}: its pooling leaves the prefix out (include_prompt is false), which is not "
                "supported; pass query_prefix='' and passage_prefix='' to embed without prefixes"
            )
        self._lower_case = folder.lower_case
        self._tokenizer_file = folder.tokenizer
        self._root = folder.root
        self._tokenizer = TextTokenizer(
            folder.tokenizer,
            max_length=self._max_length,
            lower_case=folder.lower_case,
            pad_id=folder.pad_id,
            parallel=n_threads > 1,
        )
        self._budget = choose_budget(self._model, self._session, batch_tokens)
        self._cache = VectorCache(cache_size)
        self._stats = EmbedStats()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"OnnxEmbedder({self._name!r}, dim={self.dim}, provider={self.provider!r})"

    @property
    def name(self) -> str:
        """The folder or name the embedder was made from."""
        return self._name

    @property
    def provider(self) -> str:
        """The ONNX Runtime execution provider in use."""
        return self._session.provider

    @property
    def batch_tokens(self) -> int:
        """Most padded tokens of one model run; 0 where every text runs alone."""
        return self._budget

    @property
    def stats(self) -> EmbedStats:
        """Counters since the embedder was made, as a snapshot."""
        return self._stats

    @property
    def settings(self) -> dict[str, Any]:
        """What, besides weights and tokenizer, decides a vector; JSON-able, part of the fingerprint."""
        return {
            "pooling": self._pooling,
            "normalize": self._normalize,
            "max_length": self._max_length,
            "query_prefix": self._prefixes["query"],
            "passage_prefix": self._prefixes["passage"],
            "lower_case": self._lower_case,
            "output": self._session.output,
            "dtype": self._session.dtype,
        }

    def config(self) -> dict[str, Any]:
        """Return what `from_config` makes an equal embedder of, on this machine; JSON-able.

        Says which file of the folder is run, so that an index made with float16 weights on a GPU finds the
        same weights without one. Threads, providers, batch and cache sizes are not part of it.
        """
        if self._name in PACKAGED:
            return {"path_or_name": self._name, "model_file": None, **self._given}
        file = os.path.relpath(self._model, self._root)
        return {"path_or_name": str(self._root), "model_file": file, **self._given}

    @classmethod
    def from_config(
        cls,
        config: dict[str, Any],
        *,
        providers: Sequence[str] | None = None,
        n_threads: int = 1,
        batch_tokens: int | None = None,
        cache_size: int = 1024,
    ) -> Self:
        """Return the embedder that `config` described.

        Parameters
        ----------
        config : dict
            From `config`.
        providers, n_threads, batch_tokens, cache_size
            As in the constructor.

        Raises
        ------
        InvalidInputError
            Not a dict that `config` made; else as the constructor.
        """
        resources: dict[str, Any] = {
            "providers": providers,
            "n_threads": n_threads,
            "batch_tokens": batch_tokens,
            "cache_size": cache_size,
        }
        try:
            return cls(**config, **resources)
        except TypeError as error:
            raise InvalidInputError(f"config: expected what OnnxEmbedder.config gives: {error}") from error

    def pieces(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return how the model's tokenizer takes texts apart.

        Parameters
        ----------
        texts : sequence of str

        Returns
        -------
        int64, shape (len(texts), 2)
            Pieces of each text, special ones not counted, and how many of them the tokenizer does not know.

        Raises
        ------
        InvalidInputError
            An element that is not text.
        """
        _check_texts(texts, "query")
        return self._tokenizer.pieces(texts)

    @cached_property
    def dim(self) -> int:
        """Length of a vector."""
        if self._session.width is not None:
            parts = self._pooling.count("+") + 1
            return self._session.width * parts
        return int(self._vectors([np.array([self._tokenizer.pad_id], dtype=np.int32)]).shape[1])

    @cached_property
    def fingerprint(self) -> str:
        """64 hexadecimal digits that name the vector space.

        SHA-256 over the content of the weights and the tokenizer and over `settings`. Where the files lie
        does not matter. Read on first use; costs one pass over the weights.
        """
        return fingerprint_of(self._model, self._tokenizer_file, self.settings)

    def embed(
        self, texts: Sequence[str], *, kind: Kind = "passage", progress: Progress | None = None
    ) -> npt.NDArray[np.float32]:
        """Return one vector per text, in the order of the texts.

        Parameters
        ----------
        texts : sequence of str
            Empty texts are legal. Texts beyond `settings` ``max_length`` are cut, counted in `stats`
            and reported in one logged warning per call.
        kind : "query" or "passage"
            Which prefix to use; queries go through the cache.
        progress : callable, optional
            Called as ``progress(done, total)`` after every model run, in this thread.

        Returns
        -------
        numpy.ndarray
            float32, shape ``(len(texts), dim)``, unit length unless ``normalize`` is off; the caller's own.

        Raises
        ------
        InvalidInputError
            ``texts`` is a single str, or one of them is not a str; ``kind`` is unknown.
        BackendError
            The model failed, or gave values that are not numbers.

        Notes
        -----
        Threads: safe; the GIL is released while the model runs. Memory beyond the result is bounded by
        ``batch_tokens`` and a window of 4096 tokenised texts. Ctrl-C takes effect between runs.
        """
        _check_texts(texts, kind)
        out = np.empty((len(texts), self.dim), dtype=np.float32)
        missing = [
            i for i, text in enumerate(texts) if kind == "passage" or not self._cache.read(text, out[i])
        ]
        hits = len(texts) - len(missing)
        spent = EmbedStats(cache_hits=hits, cache_misses=len(missing) if kind == "query" else 0)
        for start in range(0, len(missing), _WINDOW):
            window = missing[start : start + _WINDOW]
            report = None if progress is None else _shifted(progress, hits + start, len(texts))
            spent += self._embed_window(texts, window, kind, out, report)
        if kind == "query":
            for i in missing:
                self._cache.write(texts[i], out[i])
        with self._lock:
            self._stats += spent
        if spent.truncated:
            logger.warning(
                "%d of %d texts are longer than %d tokens; only their beginning was embedded",
                spent.truncated,
                len(texts),
                self._max_length,
            )
        return out

    def _embed_window(
        self,
        texts: Sequence[str],
        rows: list[int],
        kind: Kind,
        out: npt.NDArray[np.float32],
        progress: Callable[[int], None] | None,
    ) -> EmbedStats:
        """Fill ``out[rows]`` and return what it took."""
        prefix = self._prefixes[kind]
        ids, truncated = self._tokenize([prefix + texts[i] for i in rows], rows)
        lengths = np.fromiter((len(row) for row in ids), dtype=np.int64, count=len(ids))
        done = batches = padded = 0
        for group in plan_batches(lengths, self._budget):
            out[[rows[i] for i in group]] = self._vectors([ids[i] for i in group])
            done += len(group)
            batches += 1
            padded += len(group) * (self._session.fixed_length or int(lengths[group].max()))
            if progress is not None:
                progress(done)
        return EmbedStats(
            texts=len(rows),
            tokens=int(lengths.sum()),
            padded_tokens=padded,
            batches=batches,
            truncated=truncated,
        )

    def _tokenize(self, texts: list[str], rows: list[int]) -> tuple[list[npt.NDArray[np.int32]], int]:
        try:
            return self._tokenizer.ids(texts)
        except TypeError as error:
            # The library's word for text that has no UTF-8 form.
            for i, text in zip(rows, texts, strict=True):
                if any("\ud800" <= char <= "\udfff" for char in text):
                    raise InvalidInputError(
                        f"texts[{i}]: holds half a surrogate pair, which is no text; decode the bytes "
                        "it came from with errors='replace'"
                    ) from error
            raise

    def _vectors(self, ids: list[npt.NDArray[np.int32]]) -> npt.NDArray[np.float32]:
        """Return the finished vectors of one batch."""
        tokens, mask = pad(ids, self._tokenizer.pad_id, self._session.fixed_length)
        output = self._session.run(tokens, mask)
        if self._session.gives_tokens:
            vectors = pool(output, np.array([len(row) for row in ids]), self._pooling)
        else:
            vectors = output.astype(np.float32)
        if not np.isfinite(vectors).all():
            raise BackendError(
                f"{self._model}: gave NaN or infinity for a text of this batch; "
                "a float16 model can overflow: try the float32 file with model_file="
            )
        if self._normalize:
            norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
            if not norms.all():
                raise BackendError(f"{self._model}: gave a vector of zeros, which has no direction")
            vectors = (vectors / norms[:, None]).astype(np.float32)
        return vectors


def _wants_cuda(providers: Sequence[str] | None) -> bool:
    if providers is not None:
        return len(providers) > 0 and providers[0] == "CUDAExecutionProvider"
    return cuda_available(load_runtime())[0]


def _check_texts(texts: Sequence[str], kind: str) -> None:
    if isinstance(texts, (str, bytes)):
        raise InvalidInputError("texts: expected a sequence of str, got a single one; pass [text]")
    for i, text in enumerate(texts):
        if not isinstance(text, str):
            raise InvalidInputError(f"texts[{i}]: expected str, got {type(text).__name__}")
    if kind not in ("query", "passage"):
        raise InvalidInputError(f"kind: expected 'query' or 'passage', got {kind!r}")


def _shifted(progress: Progress, before: int, total: int) -> Callable[[int], None]:
    return lambda done: progress(before + done, total)
