"""What the demo tells: which tokens the index sees, and queries on which the branches differ."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyengine.text import Analyzer
    from pyengine.types import Hits

__all__ = ["Example", "KindCount", "pick_examples", "token_census"]

NEAR = 10
"""Ranks a reader looks at."""


@dataclass(frozen=True, slots=True)
class KindCount:
    """One kind of token.

    Parameters
    ----------
    kind : str
        As `pyengine.text.Token` names it.
    tokens : int
        Occurrences, parts of literals not counted.
    distinct : int
        Different terms among them.
    examples : tuple of str
        Its most frequent terms.
    """

    kind: str
    tokens: int
    distinct: int
    examples: tuple[str, ...]


def token_census(analyzer: "Analyzer", texts: Iterable[str]) -> list[KindCount]:
    """Count what the analyzer sees in ``texts`` by kind of token, the most frequent kind first."""
    terms: dict[str, Counter[str]] = {}
    for text in texts:
        for token in analyzer.tokens(text):
            if not token.part:
                terms.setdefault(token.kind, Counter())[token.term] += 1
    census = [
        KindCount(
            kind,
            counts.total(),
            len(counts),
            # Frequency first, then the alphabet: the same collection tells the same story.
            tuple(term for term, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:4]),
        )
        for kind, counts in terms.items()
    ]
    return sorted(census, key=lambda kind: (-kind.tokens, kind.kind))


@dataclass(frozen=True, slots=True)
class Example:
    """A query chosen to show something.

    Parameters
    ----------
    query : int
        Its position.
    why : str
        What it shows.
    ranks : dict of arm to int or None
        Where each arm put the one relevant document; None where it is not among its hits.
    """

    query: int
    why: str
    ranks: dict[str, int | None]


def pick_examples(
    hits: "Mapping[str, Hits]", relevant: Sequence[int], *, among: Sequence[int] | None = None, n: int = 3
) -> list[Example]:
    """Pick queries that show the branches at work.

    Parameters
    ----------
    hits : mapping of arm to Hits
        Answers to the same queries.
    relevant : sequence of int
        Row of the one relevant document of each query.
    among : sequence of int, optional
        Queries that may be picked; all by default.
    n : int
        Queries to pick, where there are as many.

    Returns
    -------
    list of Example
        One of each kind that occurs, then the easiest of the others; ties go to the first query.
    """
    ranks = [
        {arm: _rank(found.query(i)[0].tolist(), row) for arm, found in hits.items()}
        for i, row in enumerate(relevant)
    ]
    absent = 1 + max(found.k for found in hits.values())

    def place(i: int, arm: str) -> int:
        return ranks[i].get(arm) or absent

    kinds: list[tuple[str, Callable[[int], bool], Callable[[int], float]]] = []
    if {"lexical", "dense", "hybrid"} <= hits.keys():
        kinds = [
            (
                "the words find it, the meaning does not",
                lambda i: place(i, "lexical") <= NEAR < place(i, "dense"),
                lambda i: place(i, "lexical") - place(i, "dense") / absent,
            ),
            (
                "the meaning finds it, the words do not",
                lambda i: place(i, "dense") <= NEAR < place(i, "lexical"),
                lambda i: place(i, "dense") - place(i, "lexical") / absent,
            ),
            (
                "neither branch puts it as high as both together",
                lambda i: place(i, "hybrid") < min(place(i, "lexical"), place(i, "dense")),
                lambda i: place(i, "hybrid") - min(place(i, "lexical"), place(i, "dense")) / absent,
            ),
        ]
    elif len(hits) == 1:
        arm = next(iter(hits))
        kinds = [
            ("found at once", lambda i: place(i, arm) == 1, lambda i: 0),
            ("found, below others", lambda i: 1 < place(i, arm) <= NEAR, lambda i: -place(i, arm)),
            ("missed", lambda i: place(i, arm) > NEAR, lambda i: 0),
        ]
    easy = ("found near the top", lambda i: True, lambda i: sum(place(i, arm) for arm in hits))
    candidates = range(len(relevant)) if among is None else among
    examples: list[Example] = []
    for why, holds, badness in [*kinds, *[easy] * n]:
        taken = {example.query for example in examples}
        left = [i for i in candidates if i not in taken and holds(i)]
        if left and len(examples) < n:
            chosen = min(left, key=lambda i: (badness(i), i))
            examples.append(Example(chosen, why, ranks[chosen]))
    return examples


def _rank(rows: list[int], row: int) -> int | None:
    return rows.index(row) + 1 if row in rows else None
