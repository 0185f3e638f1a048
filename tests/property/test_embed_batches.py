"""Grouping texts by length, and the query cache against a plain list."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyengine.embed.batching import pad, plan_batches
from pyengine.embed.cache import VectorCache

lengths = st.lists(st.integers(1, 600), max_size=60).map(lambda n: np.array(n, dtype=np.int64))


@given(lengths, st.integers(0, 2000))
def test_every_text_is_in_one_group_under_the_budget(lengths: np.ndarray, budget: int) -> None:
    groups = list(plan_batches(lengths, budget))
    assert sorted(np.concatenate([np.empty(0, np.int64), *groups]).tolist()) == list(range(len(lengths)))
    for group in groups:
        assert len(group) == 1 or len(group) * lengths[group].max() <= budget
    flat = [int(lengths[i]) for group in groups for i in group]
    assert flat == sorted(flat, reverse=True)


@given(lengths, st.integers(1, 2000))
def test_no_group_could_take_the_next_text(lengths: np.ndarray, budget: int) -> None:
    groups = list(plan_batches(lengths, budget))
    for group in groups[:-1]:
        assert (len(group) + 1) * lengths[group].max() > budget


@given(st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=6), min_size=1, max_size=5))
def test_padding_is_masked(rows: list[list[int]]) -> None:
    tokens, mask = pad([np.array(row, dtype=np.int32) for row in rows], pad_id=0)
    assert [t[m == 1].tolist() for t, m in zip(tokens, mask, strict=True)] == rows
    assert (tokens[mask == 0] == 0).all()


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from("abcdef")), max_size=60),
    st.integers(0, 4),
)
def test_cache_keeps_what_was_used_last(steps: list[tuple[bool, str]], size: int) -> None:
    cache = VectorCache(size)
    used: list[str] = []  # least recently used first
    for write, text in steps:
        out = np.zeros(2, dtype=np.float32)
        if write:
            cache.write(text, np.array([ord(text), 1], dtype=np.float32))
        else:
            assert cache.read(text, out) == (text in used)
            assert out.tolist() == ([ord(text), 1] if text in used else [0, 0])
        if write or text in used:
            used = [*(t for t in used if t != text), text][-size:] if size else []
        assert len(cache) == len(used)


def test_cache_holds_copies() -> None:
    cache = VectorCache(1)
    vector = np.array([1, 2], dtype=np.float32)
    cache.write("a", vector)
    vector[:] = 0
    out = np.zeros(2, dtype=np.float32)
    assert cache.read("a", out)
    assert out.tolist() == pytest.approx([1, 2])
