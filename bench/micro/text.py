"""Text for benchmarks: made up, the same on every run, with words as frequent as in real text."""

import numpy as np

# Words follow Zipf's law; every twentieth is a literal of the kinds the default analyzer protects.
_LITERALS = (
    "F33.1",
    "28 USC § 1331",
    "getUserById",
    "AB-1234/X",
    "v2.0.1",
    "snake_case_name",
    "CVE-2024-3094",
)


def documents(n: int, *, words: int, vocabulary: int = 50_000, seed: int = 0) -> list[str]:
    """Return ``n`` texts of ``words`` words each."""
    random = np.random.default_rng(seed)
    ranks = np.minimum(random.zipf(1.2, (n, words)), vocabulary)
    literal = random.random((n, words)) < 0.05
    return [
        " ".join(
            _LITERALS[rank % len(_LITERALS)] if is_literal else f"w{_letters(rank)}"
            for rank, is_literal in zip(row, mask, strict=True)
        )
        for row, mask in zip(ranks.tolist(), literal.tolist(), strict=True)
    ]


def _letters(number: int) -> str:
    """Spell a number in letters only, so that it reads as a word."""
    digits = ""
    while number:
        number, digit = divmod(number, 26)
        digits += chr(ord("a") + digit)
    return digits
