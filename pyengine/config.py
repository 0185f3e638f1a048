"""Settings of the parts, as frozen dataclasses: every field with its meaning, unit, default and why."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from pyengine.errors import InvalidInputError

__all__ = [
    "FUSION_METHODS",
    "MAX_BUILD_THREADS",
    "Bm25Config",
    "DenseConfig",
    "FusionCalibration",
    "FusionConfig",
    "FusionMethod",
    "FusionRecord",
]

FusionMethod = Literal["rrf", "wrrf", "convex", "auto"]
FUSION_METHODS: Final = ("rrf", "wrrf", "convex", "auto")
"""How the engine can make one ranking of its branches: `FusionConfig.method`."""

MAX_BUILD_THREADS: Final = 1024
"""Most threads of a build: room is made for each of them, and more cannot be meant."""

# In the order of the core's numbers.
_VARIANTS: Final = ("lucene", "robertson", "atire", "bm25l", "bm25+")


def _check(condition: bool, message: str) -> None:
    if not condition:
        raise InvalidInputError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bm25Config:
    """The BM25 formula and its parameters.

    Parameters
    ----------
    k1 : float, 0 to 1e6
        Term frequency saturation. 1.5, the default of the Python peers this project is measured against.
    b : float, 0 to 1
        Length normalisation: 0 none, 1 full. 0.75, the value of the literature.
    variant : "lucene", "robertson", "atire", "bm25l" or "bm25+"
        The formula, after the table of Kamphuis et al., ECIR 2020; ``docs/lexical.md`` has all five.
        "lucene": its idf is never negative.
    delta : float, 0 to 1e6, optional
        What one occurrence counts at least; "bm25l" and "bm25+" only. By default what their authors
        recommend: 0.5 and 1.0 (Lv and Zhai 2011, SIGIR and CIKM); 0 for the others.

    Raises
    ------
    InvalidInputError
        A value outside its range.
    """

    k1: float = 1.5
    b: float = 0.75
    variant: Literal["lucene", "robertson", "atire", "bm25l", "bm25+"] = "lucene"
    delta: float | None = None

    def __post_init__(self) -> None:
        _check(0.0 <= self.k1 <= 1e6, f"k1: expected a number from 0 to 1e6, got {self.k1!r}")
        _check(0.0 <= self.b <= 1.0, f"b: expected a number from 0 to 1, got {self.b!r}")
        _check(
            self.variant in _VARIANTS,
            f"variant: expected one of {', '.join(_VARIANTS)}, got {self.variant!r}",
        )
        if self.delta is None:
            object.__setattr__(self, "delta", {"bm25l": 0.5, "bm25+": 1.0}.get(self.variant, 0.0))
        _check(
            self.delta is not None and 0.0 <= self.delta <= 1e6,
            f"delta: expected a number from 0 to 1e6, got {self.delta!r}",
        )

    @property
    def _core(self) -> tuple[int, float, float, float]:
        """The parameters as the compiled core takes them."""
        return _VARIANTS.index(self.variant), self.k1, self.b, self.delta or 0.0

    @classmethod
    def _from_core(cls, params: tuple[int, float, float, float]) -> "Bm25Config":
        variant, k1, b, delta = params
        return cls(k1=k1, b=b, variant=_VARIANTS[variant], delta=delta)

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a JSON-able dict."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class DenseConfig:
    """Parameters of the vector index.

    Parameters
    ----------
    dtype : "f16", "f32" or "i8"
        How vectors are stored. float16: as exact as float32 for ranking here, half the memory, faster.
        int8 keeps a float16 copy and rescores with it.
    connectivity : int, 2 to 512
        HNSW M, links per node. 16, the paper's middle value (Malkov and Yashunin, arXiv 1603.09320).
    expansion_add : int, 1 to 100000
        HNSW efConstruction. 256: beside embedding a text, building its node costs nothing.
    expansion_search : int, 1 to 100000
        HNSW ef. 256, because narrower searches miss much among near-duplicates; ``docs/quality.md`` shows
        what is left. A search never uses less than the ``k`` asked for.
    exact_below : int, >= 0
        Indexes with fewer rows are searched exactly, without a graph. 16,384: a scan then takes about half a
        millisecond at 384 dimensions, a tenth of what embedding the query takes.
    build_threads : int, 1 to 1024
        Threads that build the graph. 1 makes the graph, hence the answers, reproducible.

    Raises
    ------
    InvalidInputError
        A value outside its range.
    """

    dtype: Literal["f16", "f32", "i8"] = "f16"
    connectivity: int = 16
    expansion_add: int = 256
    expansion_search: int = 256
    exact_below: int = 16_384
    build_threads: int = 1

    def __post_init__(self) -> None:
        _check(
            self.dtype in ("f16", "f32", "i8"), f"dtype: expected 'f16', 'f32' or 'i8', got {self.dtype!r}"
        )
        _check(2 <= self.connectivity <= 512, f"connectivity: expected 2 to 512, got {self.connectivity!r}")
        for name in ("expansion_add", "expansion_search"):
            value = getattr(self, name)
            _check(1 <= value <= 100_000, f"{name}: expected 1 to 100000, got {value!r}")
        _check(self.exact_below >= 0, f"exact_below: expected 0 or more, got {self.exact_below!r}")
        _check(
            1 <= self.build_threads <= MAX_BUILD_THREADS,
            f"build_threads: expected 1 to {MAX_BUILD_THREADS}, got {self.build_threads!r}",
        )

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a JSON-able dict."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class FusionConfig:
    """How the engine makes one ranking of its branches; ``docs/fusion.md`` compares the methods.

    Parameters
    ----------
    method : "rrf", "wrrf", "convex" or "auto"
        "rrf" and "wrrf": reciprocal ranks, the second a name for the same formula with weights. "convex": a
        weighted sum of normalised scores. "auto": a weighted sum of scores whose weights follow from the
        query's literals and from how well each branch finds the collection's own documents; needs no
        judgements. "rrf", what others' numbers are measured with.
    k : int, >= 0
        "rrf", "wrrf": the constant of the formula ``1 / (k + rank)``, ranks from 1. 60 (Cormack, Clarke and
        Buettcher, SIGIR 2009).
    window : int, >= 1
        Hits taken from each branch. 100; never less than the ``k`` results asked for.
    lexical_weight, dense_weight : float, >= 0
        Weight of each branch, of all methods but "auto". 1 each, the unweighted formula. "convex" divides
        them by their sum.
    normalisation : "minmax" or "theoretical"
        "convex": from each query's least score, or from the least there can be: 0 for BM25, -1 for a cosine
        (Bruch, Gai and Ingber, arXiv 2210.11934). "minmax", which is the safer one where the better weight is
        not known.
    complete : bool
        "convex", "auto": a document that one branch's window misses gets its true score there, one inner
        product or one BM25 score. True, because the fusion is better for it.

    Raises
    ------
    InvalidInputError
        A value outside its range.
    """

    method: FusionMethod = "rrf"
    k: int = 60
    window: int = 100
    lexical_weight: float = 1.0
    dense_weight: float = 1.0
    normalisation: Literal["minmax", "theoretical"] = "minmax"
    complete: bool = True

    def __post_init__(self) -> None:
        methods = ", ".join(FUSION_METHODS)
        _check(self.method in FUSION_METHODS, f"method: expected one of {methods}, got {self.method!r}")
        _check(self.k >= 0, f"k: expected 0 or more, got {self.k!r}")
        _check(self.window >= 1, f"window: expected 1 or more, got {self.window!r}")
        for name in ("lexical_weight", "dense_weight"):
            value = getattr(self, name)
            _check(0.0 <= value < 1e6, f"{name}: expected a number from 0 to 1e6, got {value!r}")
        _check(
            self.method != "convex" or self.lexical_weight + self.dense_weight > 0,
            "lexical_weight, dense_weight: expected one above 0 with method 'convex'",
        )
        _check(
            self.normalisation in ("minmax", "theoretical"),
            f"normalisation: expected 'minmax' or 'theoretical', got {self.normalisation!r}",
        )
        _check(isinstance(self.complete, bool), f"complete: expected True or False, got {self.complete!r}")

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a JSON-able dict."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class FusionCalibration:
    """What ``method="auto"`` knows of a collection, measured without judgements.

    Known items: a few words of a document are a query, and that document is its only answer.

    Parameters
    ----------
    lexical_success, dense_success : float, 0 to 1
        Mean reciprocal rank of the known items in each branch, over the first 100 hits.
    spread : float, > 0
        Standard deviation of the dense scores that documents have for one query: what a difference of scores
        is measured in.
    queries : int, >= 0
        Known items asked for; 0 for values that are assumed, not measured.
    documents : int
        Rows of the index then.
    embedder : str
        Fingerprint of the embedder; for another one the values do not hold.

    Raises
    ------
    InvalidInputError
        A value outside its range.
    """

    lexical_success: float
    dense_success: float
    spread: float
    queries: int
    documents: int
    embedder: str

    def __post_init__(self) -> None:
        for name in ("lexical_success", "dense_success"):
            value = getattr(self, name)
            _check(0.0 <= value <= 1.0, f"{name}: expected a number from 0 to 1, got {value!r}")
        _check(0.0 < self.spread < math.inf, f"spread: expected a number above 0, got {self.spread!r}")

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a JSON-able dict."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class FusionRecord:
    """Where tuned fusion settings come from, kept beside them.

    Parameters
    ----------
    metric : str
        What was gained in.
    queries : int
        Judged queries tuned on.
    gain, low, high : float
        Out-of-fold gain over the fusion before, with its 95 % interval.
    fingerprints : mapping of str to str
        Of analyzer, embedder and chunker then: with others the settings were never measured.
    """

    metric: str
    queries: int
    gain: float
    low: float
    high: float
    fingerprints: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a JSON-able dict."""
        return asdict(self)
