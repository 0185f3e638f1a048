"""The native libraries live in one process, whichever part is used first.

usearch, ONNX Runtime and Arrow each bring C++ code of their own; a wrong order of loading used to end the
process. Each case runs in a fresh interpreter, because loading cannot be undone.
"""

import subprocess
import sys

import pytest

GRAPH = """
import numpy as np
import pyengine as pe
from pyengine.config import DenseConfig
index = pe.DenseIndex.build(np.eye(64, dtype=np.float32), config=DenseConfig(exact_below=0))
assert index.has_graph
assert index.search(np.eye(64, dtype=np.float32)[:1], 1).rows.tolist() == [[0]]
"""
EMBEDDER = """
import pyengine as pe
pe.OnnxEmbedder("minilm").embed(["F33.1"])
"""
# Both reach for the locale, as ONNX Runtime does when it is loaded.
ARROW = """
import pyarrow as pa
import pyarrow.compute as pc
assert pc.strftime(pa.array([0], pa.timestamp("s")), format="%Y").to_pylist() == ["1970"]
assert pc.match_substring_regex(pa.array(["abc"]), "b.").to_pylist() == [True]
"""
METRICS = """
import numpy as np
import pyengine as pe
hits = pe.Hits.from_lists([[(0, 1.0)]])
assert pe.evaluate(hits, {0: {0: 1}}, ["ndcg@10"]).means["ndcg@10"] == 1.0
"""


@pytest.mark.parametrize(
    "parts",
    [(GRAPH, EMBEDDER), (GRAPH, ARROW), (EMBEDDER, GRAPH, ARROW), (METRICS, GRAPH, EMBEDDER, ARROW)],
    ids=["graph-embedder", "graph-arrow", "embedder-graph-arrow", "metrics-graph-embedder-arrow"],
)
def test_any_order(parts: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", "\n".join(parts)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
