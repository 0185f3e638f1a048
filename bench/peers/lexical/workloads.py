"""Texts and queries to measure on, in a folder: generated from a seed, or taken from the user's own texts.

A workload is a folder with ``docs.txt`` (one document a line, words between single spaces), ``tokens.npy``
(uint32, the words as numbers), ``offsets.npy`` (int64, where each document's tokens begin) and
``queries.json`` (name of a set -> list of lists of words).
"""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np
import numpy.typing as npt

__all__ = ["Workload", "from_beir", "from_texts", "generate"]

WORD = re.compile(r"[a-z0-9]+")
CHUNK = 1_000_000
"""Documents drawn at a time, to bound memory."""


@dataclass(frozen=True)
class Workload:
    """One folder, read."""

    folder: Path
    tokens: npt.NDArray[np.uint32]
    offsets: npt.NDArray[np.int64]
    queries: dict[str, list[list[str]]]
    words: dict[str, int] | None  # None: word "t7" is number 7

    @classmethod
    def read(cls, folder: Path) -> "Workload":
        """Map the arrays of a folder."""
        words = folder / "words.json"
        return cls(
            folder,
            np.load(folder / "tokens.npy", mmap_mode="r"),
            np.load(folder / "offsets.npy"),
            json.loads((folder / "queries.json").read_text()),
            json.loads(words.read_text()) if words.exists() else None,
        )

    @property
    def documents(self) -> int:
        """Number of documents."""
        return len(self.offsets) - 1

    def number(self, word: str) -> int:
        """Number of a word; -1 for one that occurs nowhere."""
        return int(word[1:]) if self.words is None else self.words.get(word, -1)


def zipf(random: np.random.Generator, types: int, power: float, size: int) -> npt.NDArray[np.int64]:
    """Draw ranks 0..types-1 with probability proportional to (rank + 1) ** -power."""
    cumulated = np.cumsum(np.arange(1, types + 1, dtype=np.float64) ** -power)
    return np.searchsorted(cumulated, random.random(size) * cumulated[-1])


def generate(
    folder: Path, documents: int, *, mean: float, types: int, terms: tuple[int, int], seed: int
) -> None:
    """Write synthetic texts: Zipf words, 40 % of them from one of 200 topics, log-normal lengths.

    Parameters
    ----------
    folder : Path
        Made if need be.
    documents, types : int
        How many documents, and how many words at most.
    mean : float
        Tokens a document, on average.
    terms : (int, int)
        Words of a query, least and most.
    seed : int
        Of everything.
    """
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    with (folder / "docs.txt").open("w") as file:
        for begin in range(0, documents, CHUNK):
            lengths, tokens = draw(random, min(CHUNK, documents - begin), mean, types)
            write_lines(file, lengths, tokens)
            parts.append((lengths, tokens))
    lengths = np.concatenate([lengths for lengths, _ in parts])
    tokens = np.concatenate([tokens for _, tokens in parts])
    del parts
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    np.save(folder / "tokens.npy", tokens)
    np.save(folder / "offsets.npy", offsets)
    write_queries(folder, tokens, offsets, lambda number: f"t{number}", terms, seed)


def draw(
    random: np.random.Generator, documents: int, mean: float, types: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint32]]:
    """Draw some documents: their lengths, and their tokens one after the other."""
    spread = 0.6
    lengths = np.exp(np.log(mean) - spread**2 / 2 + spread * random.standard_normal(documents))
    lengths = np.clip(np.rint(lengths), 1, 1000).astype(np.int64)
    total = int(lengths.sum())
    tokens = zipf(random, types, 1.07, total).astype(np.uint32)
    topical = random.random(total) < 0.4
    topics = np.repeat(zipf(random, 200, 0.5, documents), lengths)[topical]
    ranks = zipf(random, 20_000, 1.07, int(topical.sum()))
    # A topic has words of its own: a hash of topic and rank, the same for the same seed.
    mixed = (topics.astype(np.uint64) << np.uint64(32) | ranks.astype(np.uint64)) * np.uint64(
        0x9E3779B97F4A7C15
    )
    tokens[topical] = (mixed >> np.uint64(33)) % np.uint64(types)
    return lengths, tokens


def write_lines(file: TextIO, lengths: npt.NDArray[np.int64], tokens: npt.NDArray[np.uint32]) -> None:
    """Write documents as words, one a line."""
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    for begin in range(0, len(lengths), 10_000):
        end = min(begin + 10_000, len(lengths))
        words = ("t" + str(t) for t in tokens[offsets[begin] : offsets[end]].tolist())
        for length in lengths[begin:end].tolist():
            file.write(" ".join([next(words) for _ in range(length)]) + "\n")


def from_texts(folder: Path, texts: Iterable[str], *, terms: tuple[int, int], seed: int) -> None:
    """Write a workload from texts: words are runs of ASCII letters and digits, lower-cased."""
    folder.mkdir(parents=True, exist_ok=True)
    words: dict[str, int] = {}
    numbers: list[int] = []
    offsets = [0]
    with (folder / "docs.txt").open("w") as file:
        for text in texts:
            found = WORD.findall(text.lower())
            file.write(" ".join(found) + "\n")
            numbers.extend(words.setdefault(word, len(words)) for word in found)
            offsets.append(len(numbers))
    tokens = np.array(numbers, dtype=np.uint32)
    np.save(folder / "tokens.npy", tokens)
    np.save(folder / "offsets.npy", np.array(offsets, dtype=np.int64))
    (folder / "words.json").write_text(json.dumps(words))
    names = list(words)
    write_queries(folder, tokens, np.array(offsets), lambda number: names[number], terms, seed)


def from_beir(folder: Path, source: Path, *, seed: int) -> None:
    """Write a workload from a BEIR folder, with its own queries as the set ``mixed``."""

    def lines(name: str) -> list[dict[str, str]]:
        return [json.loads(line) for line in (source / name).read_text(encoding="utf-8").splitlines()]

    texts = [f"{row.get('title', '')} {row['text']}" for row in lines("corpus.jsonl")]
    from_texts(folder, texts, terms=(2, 5), seed=seed)
    queries = json.loads((folder / "queries.json").read_text())
    queries["mixed"] = [
        list(dict.fromkeys(WORD.findall(row["text"].lower()))) for row in lines("queries.jsonl")
    ]
    queries["mixed"] = [query for query in queries["mixed"] if query][:1000]
    (folder / "queries.json").write_text(json.dumps(queries))


def write_queries(  # noqa: PLR0917 - three arrays and what to draw from them
    folder: Path,
    tokens: npt.NDArray[np.uint32],
    offsets: npt.NDArray[np.int64],
    name: Callable[[int], str],
    terms: tuple[int, int],
    seed: int,
) -> None:
    """Draw queries from the documents: distinct words of one document, frequent ones more often."""
    random = np.random.default_rng(seed + 1)
    sets: dict[str, tuple[int, int]] = {"mixed": terms, "single": (1, 1), "long": (8, 12)}
    queries: dict[str, list[list[str]]] = {}
    documents = len(offsets) - 1
    for set_name, (least, most) in sets.items():
        found: list[list[str]] = []
        for row in random.integers(0, documents, 200_000).tolist():
            if len(found) == 1000:
                break
            wanted = int(random.integers(least, most + 1))
            words: Sequence[int] = tokens[offsets[row] : offsets[row + 1]]
            distinct = list(dict.fromkeys(random.permutation(words).tolist()))[:wanted]
            if len(distinct) == wanted:
                found.append([name(number) for number in distinct])
        queries[set_name] = found
    (folder / "queries.json").write_text(json.dumps(queries))
