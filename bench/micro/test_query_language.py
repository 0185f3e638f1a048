"""Conditions of the query language beside the plain query: 50,000 documents of 40 Zipf words."""

from collections.abc import Iterator
from typing import Any

import pytest

import pyengine as pe
from bench.micro.text import documents

N_DOCUMENTS = 50_000


@pytest.fixture(scope="module", params=[False, True], ids=["", "phrases"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[pe.Engine]:
    with pe.Engine.create(tmp_path_factory.mktemp("query") / "idx", phrases=request.param) as made:
        made.add([{"id": str(i), "text": text} for i, text in enumerate(documents(N_DOCUMENTS, words=40))])
        made.commit()
        yield made


@pytest.mark.parametrize("clause", ["plain", "must", "mustnot", "phrase", "prefix", "field", "literal"])
def test_clause(benchmark: Any, engine: pe.Engine, clause: str) -> None:
    words = engine.corpus.text(17).split()[:3]
    first, second, third = words
    query = {
        "plain": " ".join(words),
        "must": f"+{first} {second} {third}",
        "mustnot": f"{first} {second} -{third}",
        "phrase": f'"{first} {second}" {third}',
        "prefix": f"{first[:3]}* {second}",
        "field": f"text:{first} {second}",
        "literal": " ".join(words),
    }[clause]
    options: dict[str, Any] = {"syntax": "plain" if clause in ("plain", "literal") else "query"}
    if clause == "literal":
        options["literal"] = "require"
    benchmark.extra_info.update(engine.info()["files"])
    benchmark(engine.search_batch, [query], 10, **options)
