"""`rrf` equals the slow twin bit for bit, and keeps the laws of the formula."""

from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.fuse import slow_rrf

from pyengine import Hits, rrf

ROWS = st.lists(st.integers(0, 25), max_size=12, unique=True)
FAR_ROWS = st.lists(st.integers(0, 2**32 - 2), max_size=12, unique=True)


def ranked(queries: list[list[int]]) -> Hits:
    return Hits.from_lists([[(row, float(-i)) for i, row in enumerate(rows)] for rows in queries])


@settings(max_examples=300, deadline=None)
@given(data=st.data(), n=st.integers(1, 4), branches=st.integers(1, 4))
def test_rrf_equals_the_slow_twin(data: st.DataObject, n: int, branches: int) -> None:
    one_query = st.lists(st.one_of(ROWS, FAR_ROWS), min_size=n, max_size=n)
    lists = data.draw(st.lists(one_query, min_size=branches, max_size=branches))
    weight = st.one_of(st.just(0.0), st.floats(0.01, 100))
    weights = data.draw(st.one_of(st.none(), st.lists(weight, min_size=branches, max_size=branches)))
    k = data.draw(st.one_of(st.integers(1, 100), st.floats(0.5, 1000)))
    window = data.draw(st.one_of(st.none(), st.integers(1, 15)))
    depth = data.draw(st.integers(1, 60))
    variant = data.draw(st.sampled_from(["standard", "playbook"]))
    fused = rrf(
        [ranked(queries) for queries in lists],
        k=k,
        weights=weights,
        window=window,
        depth=depth,
        variant=variant,
    )
    expected = [
        slow_rrf(
            [queries[i] for queries in lists],
            k=k,
            weights=weights,
            window=window,
            depth=depth,
            first_rank=1 if variant == "standard" else 0,
        )
        for i in range(n)
    ]
    assert fused.equals(Hits.from_lists(expected, depth))


@settings(max_examples=100, deadline=None)
@given(a=ROWS, b=ROWS)
def test_two_lists_fuse_the_same_either_way(a: list[int], b: list[int]) -> None:
    # Of two summands the order does not matter even in floating point.
    assert rrf([ranked([a]), ranked([b])], depth=30).equals(rrf([ranked([b]), ranked([a])], depth=30))


@settings(max_examples=100, deadline=None)
@given(rows=ROWS, times=st.integers(1, 4))
def test_a_list_with_itself_keeps_its_order(rows: list[int], times: int) -> None:
    fused = rrf([ranked([rows])] * times)
    assert fused.query(0)[0].tolist() == rows


@settings(max_examples=100, deadline=None)
@given(a=ROWS, b=ROWS)
def test_a_row_both_lists_hold_beats_those_below_it_in_both(a: list[int], b: list[int]) -> None:
    order = rrf([ranked([a]), ranked([b])], depth=30).query(0)[0].tolist()
    shared = [row for row in a if row in b]
    for x in shared:
        for y in shared:
            if a.index(x) < a.index(y) and b.index(x) < b.index(y):
                assert order.index(x) < order.index(y)
