"""What an index was made with: written into every generation, compared on every open."""

from dataclasses import dataclass
from typing import Any, Final, Self

from pyengine.config import Bm25Config, DenseConfig, FusionCalibration, FusionConfig, FusionRecord
from pyengine.corpus import FIRST_SEAM, SEAM, Chunker
from pyengine.embed import OnnxEmbedder
from pyengine.errors import (
    CorruptIndexError,
    IncompatibleIndexError,
    InvalidInputError,
    NotFoundError,
)
from pyengine.text import Analyzer
from pyengine.types import Embedder

__all__ = ["EmbedderRecord", "Settings", "check_title_boost", "reopen_embedder"]


@dataclass(frozen=True, slots=True)
class EmbedderRecord:
    """The vector space of an index.

    Parameters
    ----------
    fingerprint : str
        `Embedder.fingerprint`: weights, tokenizer, pooling, prefixes. Vectors of another are refused.
    dim : int
        Length of a vector.
    source : dict or None
        How to make the embedder again (`OnnxEmbedder.config`); None for an embedder of the user's own.
    """

    fingerprint: str
    dim: int
    source: dict[str, Any] | None

    @classmethod
    def of(cls, embedder: Embedder) -> Self:
        """Describe ``embedder``; refuse what does not keep the protocol."""
        if not isinstance(embedder, Embedder):
            raise InvalidInputError(
                f"embedder: expected an object with dim, fingerprint and embed(texts, kind=...), such as "
                f"pyengine.OnnxEmbedder, got {type(embedder).__name__}"
            )
        config = getattr(embedder, "config", None)
        return cls(embedder.fingerprint, embedder.dim, config() if callable(config) else None)

    def check(self, embedder: Embedder, where: str) -> None:
        """Raise `IncompatibleIndexError` unless ``embedder`` makes vectors of this space."""
        if embedder.fingerprint != self.fingerprint:
            raise IncompatibleIndexError(
                f"{where}: the index holds vectors of embedder {self.fingerprint} (dim {self.dim}), the one "
                f"given is {embedder.fingerprint} (dim {embedder.dim}); their vectors do not compare. Open "
                "the index with the embedder it was made with, or build a new index"
            )


# A title is written down as often while its document is indexed.
_MOST_BOOST: Final = 16


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything besides the documents that decides what a search answers."""

    analyzer: Analyzer
    bm25: Bm25Config
    dense: DenseConfig
    fusion: FusionConfig
    embedder: EmbedderRecord | None
    chunker: Chunker | None = None  # None: a row is a document
    title_boost: int = 1
    phrases: bool = False  # whether pairs of words are indexed
    seam: str = SEAM  # between title and text
    calibration: FusionCalibration | None = None  # of the fusion "auto"
    tuned: FusionRecord | None = None  # where the fusion comes from, if it was tuned

    @property
    def fingerprints(self) -> dict[str, str]:
        """What the rows of the index were made with, by part."""
        found = {"analyzer": self.analyzer.fingerprint}
        if self.embedder is not None:
            found["embedder"] = self.embedder.fingerprint
        if self.chunker is not None:
            found["chunker"] = self.chunker.fingerprint
        return found

    def check_analyzer(self, given: Analyzer, where: str) -> None:
        """Raise `IncompatibleIndexError` unless ``given`` behaves as the analyzer of the index."""
        if given.fingerprint != self.analyzer.fingerprint:
            raise IncompatibleIndexError(
                f"{where}: the index was made with analyzer {self.analyzer.config()}, "
                f"the one given is {given.config()}; leave analyzer out to use the stored one, or "
                "build a new index"
            )

    def check_chunker(self, given: Chunker, where: str) -> None:
        """Raise `IncompatibleIndexError` unless ``given`` cuts as the chunker of the index."""
        if self.chunker is None or given.fingerprint != self.chunker.fingerprint:
            stored = "without a chunker" if self.chunker is None else f"with {self.chunker!r}"
            raise IncompatibleIndexError(
                f"{where}: the index was made {stored}, the one given is {given!r}; leave chunker out to use "
                "what is stored, or build a new index"
            )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON-able form kept in the manifest."""
        return {
            "analyzer": {"config": self.analyzer.config(), "fingerprint": self.analyzer.fingerprint},
            "bm25": self.bm25.to_json(),
            "dense": self.dense.to_json(),
            "fusion": self.fusion.to_json(),
            "embedder": None
            if self.embedder is None
            else {
                "fingerprint": self.embedder.fingerprint,
                "dim": self.embedder.dim,
                "source": self.embedder.source,
            },
            "chunker": None
            if self.chunker is None
            else {"config": self.chunker.config(), "fingerprint": self.chunker.fingerprint},
            "title_boost": self.title_boost,
            "phrases": self.phrases,
            "seam": self.seam,
            "calibration": None if self.calibration is None else self.calibration.to_json(),
            "tuned": None if self.tuned is None else self.tuned.to_json(),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any], where: str) -> Self:
        """Read `to_json` back.

        Raises
        ------
        CorruptIndexError
            A field is missing or malformed.
        IncompatibleIndexError
            This version's analyzer or chunker no longer behaves as the one the index was made with.
        """
        try:
            analyzer = Analyzer.from_config(data["analyzer"]["config"])
            stored = str(data["analyzer"]["fingerprint"])
            record = data["embedder"]
            known, tuned = data.get("calibration"), data.get("tuned")
            cut = data.get("chunker")  # indexes made before there were chunkers have none
            settings = cls(
                analyzer,
                Bm25Config(**data["bm25"]),
                DenseConfig(**data["dense"]),
                FusionConfig(**data["fusion"]),
                None
                if record is None
                else EmbedderRecord(str(record["fingerprint"]), int(record["dim"]), record["source"]),
                None if cut is None else Chunker.from_config(cut["config"]),
                check_title_boost(data.get("title_boost", 1)),
                bool(data.get("phrases", False)),
                _check_seam(data.get("seam", FIRST_SEAM)),
                None if known is None else FusionCalibration(**known),
                None if tuned is None else FusionRecord(**tuned),
            )
            parts = [("analyzer", analyzer.fingerprint, stored)]
            if cut is not None and settings.chunker is not None:
                parts.append(("chunker", settings.chunker.fingerprint, str(cut["fingerprint"])))
        except (KeyError, TypeError, ValueError, InvalidInputError) as error:
            raise CorruptIndexError(
                f"{where}: the settings are malformed ({error}); restore it from a copy"
            ) from error
        for part, here, there in parts:
            if here != there:
                raise IncompatibleIndexError(
                    f"{where}: the index was made with {part} {there}, this version of pyengine has {here} "
                    "under the same settings; build the index again, or use the version that made it"
                )
        return settings


def check_title_boost(boost: Any) -> int:
    """Return how many times a title counts, or raise `InvalidInputError`."""
    if isinstance(boost, bool) or not isinstance(boost, int) or not 1 <= boost <= _MOST_BOOST:
        raise InvalidInputError(
            f"title_boost: expected a whole number from 1 to {_MOST_BOOST}, got {boost!r}"
        )
    return boost


def _check_seam(seam: object) -> str:
    if seam not in (FIRST_SEAM, SEAM):
        raise InvalidInputError(f"seam: expected one or four line feeds, got {seam!r}")
    return str(seam)


def reopen_embedder(record: EmbedderRecord, where: str) -> Embedder:
    """Make the embedder an index was made with again.

    Raises
    ------
    IncompatibleIndexError
        The record names none that can be made here, or what it names makes other vectors now.
    MissingExtraError
        The runtime is not installed.
    """
    if record.source is None:
        raise IncompatibleIndexError(
            f"{where}: the index was made with an embedder of your own ({record.fingerprint}); "
            "pass it: Engine.open(path, embedder=...), or search with mode='lexical'"
        )
    try:
        embedder = OnnxEmbedder.from_config(record.source)
    except NotFoundError as error:
        raise IncompatibleIndexError(
            f"{where}: the embedder the index was made with is not here any more ({error}); "
            "pass it: Engine.open(path, embedder=...), or search with mode='lexical'"
        ) from error
    record.check(embedder, where)
    return embedder
