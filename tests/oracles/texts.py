"""Texts for the tests of the analyzer: fragments of literals among marks, words and every script."""

import re
from pathlib import Path

from hypothesis import strategies as st

GOLDEN = Path(__file__).parents[1] / "golden" / "literals.tsv"
LITERALS = [
    line.split("\t")[1]
    for line in GOLDEN.read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
FRAGMENTS = sorted(
    {
        part
        for text in LITERALS
        for pattern in (r"\S+", r"\w+", r"[^\w\s]+")
        for part in re.findall(pattern, text)
    }
)
# One or more of every word-break class, combining marks, ligatures, digits of other scripts, invisible code
# points and a lone surrogate; none whose properties changed between Unicode 15 and later versions.
CHARACTERS = (
    " \t\n\r\v.,;:'\"-_/\\@#$+~()[]{}<>=&%!?*|^`§aAbBzZvVxXeE0123459"
    "\u00a0\u2010\u2011\u2013\u2019\u2018\u201c\u00ab\u0301\u0308\u0323\u200d\u200b\u00ad\u200e\u2028\u3000éÉßİıſKµμβΣςאבג\u05f3ｱカ日本한\u1100\u1161"
    "\u11a8👍🏽🇩🇪ℹ©½²Ⅷ１Ａﬁ\u01c5\u2163\u0663\u060c\u066c\u202f\u2060\ufeff\u0e01\u0e31\ud800\u2024·"
)

texts = st.lists(
    st.one_of(
        st.sampled_from(LITERALS),
        st.sampled_from(FRAGMENTS),
        st.sampled_from([" ", ", ", "(", "). ", "'s ", "\n"]),
        st.text(st.sampled_from(CHARACTERS), min_size=1, max_size=3),
    ),
    max_size=9,
).map("".join)
