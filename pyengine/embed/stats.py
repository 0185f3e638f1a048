"""Counters of an embedder."""

from dataclasses import dataclass

__all__ = ["EmbedStats"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedStats:
    """What an embedder has done since it was made. Immutable: every read is a snapshot.

    Parameters
    ----------
    texts : int
        Texts that went through the model; texts answered by the cache are not among them.
    tokens : int
        Tokens that went through the model, special tokens included, padding not.
    padded_tokens : int
        The same with padding: the work done. ``tokens / padded_tokens`` is the share of it that counted.
    batches : int
        Runs of the model.
    truncated : int
        Texts longer than ``max_length`` tokens, of which only the beginning was read.
    cache_hits, cache_misses : int
        Queries found and not found in the query cache.
    """

    texts: int = 0
    tokens: int = 0
    padded_tokens: int = 0
    batches: int = 0
    truncated: int = 0
    cache_hits: int = 0
    cache_misses: int = 0

    def __add__(self, other: "EmbedStats") -> "EmbedStats":
        """Return the sums of all counters."""
        return EmbedStats(
            texts=self.texts + other.texts,
            tokens=self.tokens + other.tokens,
            padded_tokens=self.padded_tokens + other.padded_tokens,
            batches=self.batches + other.batches,
            truncated=self.truncated + other.truncated,
            cache_hits=self.cache_hits + other.cache_hits,
            cache_misses=self.cache_misses + other.cache_misses,
        )
