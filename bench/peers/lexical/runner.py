"""Runs the peers: each in a process of its own, all asked query by query in turn."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bench.peers.lexical.oracle import Oracle
from bench.peers.lexical.workloads import Workload

__all__ = ["PEERS", "PeerProcess", "build_all", "measure", "python_of", "setup"]

PEERS: dict[str, list[str]] = {
    "pyengine_index": [],
    "bm25s_numba": ["bm25s==0.3.16", "numba"],
    "bm25s_numpy": ["bm25s==0.3.16", "numba"],
    "tantivy_py": ["tantivy==0.27.0"],
    "pisa_bmm": ["pyterrier-pisa==0.4.9"],
    "pisa_bmw": ["pyterrier-pisa==0.4.9"],
    "lucene_jvm": ["pyserini==0.24.0", "--no-deps"],
    "bm25_turbo": ["bm25-turbo==0.2.0"],
    "lancedb_fts": ["lancedb==0.40.0"],
    "sqlite_fts5": [],
    "rank_bm25_okapi": ["rank-bm25==0.2.2", "numpy"],
}
"""Adapter -> what its environment needs beside Python; nothing: it runs in this one."""

SAME_INDEX = {"bm25s_numpy": "bm25s_numba", "pisa_bmw": "pisa_bmm"}
"""Adapter -> the one whose index it opens."""

K1, B = 1.2, 0.75  # what tantivy has compiled in
CHECKED = 40


def python_of(peer: str, cache: Path) -> Path:
    """Return the interpreter of a peer's environment."""
    if not PEERS[peer]:
        return Path(sys.executable)
    name = PEERS[peer][0].partition("=")[0]
    return cache / "envs" / name / "bin" / "python"


def setup(peer: str, cache: Path) -> None:
    """Make a peer's environment."""
    python = python_of(peer, cache)
    if PEERS[peer] and not python.exists():
        folder = python.parent.parent
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        try:
            subprocess.run([str(python), "-m", "pip", "install", "-q", *PEERS[peer]], check=True)
        except subprocess.CalledProcessError:
            shutil.rmtree(folder)
            raise


@dataclass
class PeerProcess:
    """A running worker."""

    name: str
    process: subprocess.Popen[str]
    facts: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def start(cls, name: str, cache: Path) -> "PeerProcess":
        """Start the worker of a peer on one core, one thread in every library."""
        worker = Path(__file__).with_name("worker.py")
        threads = dict.fromkeys(
            ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS"), "2"
        )
        process = subprocess.Popen(
            [str(python_of(name, cache)), str(worker), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | threads,
        )
        peer = cls(name, process)
        peer.facts = peer.ask("hello")
        return peer

    def ask(self, op: str, **arguments: Any) -> dict[str, Any]:
        """Send one command and wait for its answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"op": op, **arguments}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name}: its process ended with {self.process.wait()} during {op}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"{self.name}: {op}: {answer['error']}")
        return answer

    def stop(self) -> None:
        """End the worker."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait()


def say(text: str) -> None:
    """Show progress."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def folder_of(name: str, workload: Workload, cache: Path) -> Path:
    """Return the folder of a peer's index."""
    return cache / "indexes" / f"{workload.folder.name}-{SAME_INDEX.get(name, name)}"


def build_all(
    names: Sequence[str], workload: Workload, cache: Path, *, reuse: bool
) -> dict[str, dict[str, Any]]:
    """Build each peer's index from the raw texts, one after the other; a peer that cannot is left out."""
    built = {}
    for name in names:
        folder = folder_of(name, workload, cache)
        record = folder.with_suffix(".json")
        if record.exists() and (reuse or SAME_INDEX.get(name) in built):
            built[name] = json.loads(record.read_text())
            continue
        shutil.rmtree(folder, ignore_errors=True)
        say(f"building {name}")
        try:
            peer = PeerProcess.start(name, cache)
            built[name] = peer.ask(
                "build", docs=str(workload.folder / "docs.txt"), folder=str(folder), k1=K1, b=B
            )
            peer.stop()
        except (RuntimeError, OSError) as error:
            say(f"{name} left out: {error}")
            continue
        record.write_text(json.dumps(built[name]))
    return built


def open_all(names: Sequence[str], workload: Workload, cache: Path) -> list[PeerProcess]:
    """Start the peers that have an index and open it."""
    peers = []
    for name in names:
        folder = folder_of(name, workload, cache)
        try:
            peer = PeerProcess.start(name, cache)
            peer.facts |= {"open": peer.ask("open", folder=str(folder), k1=K1, b=B)}
            peers.append(peer)
        except (RuntimeError, OSError) as error:
            say(f"{name} left out: {error}")
    return peers


def check(peers: Sequence[PeerProcess], workload: Workload, queries: Sequence[list[str]], k: int) -> None:
    """Hold some answers of each peer against an oracle with its idf and its kind of lengths."""
    kinds = sorted(
        {(peer.facts["idf"], peer.facts["lengths"]) for peer in peers if peer.facts["idf"] != "other"}
    )
    for kind in kinds:
        oracle = Oracle(workload, K1, B, *kind)
        for peer in peers:
            if (peer.facts["idf"], peer.facts["lengths"]) != kind:
                continue
            answers = [(q, peer.ask("query", tokens=q, k=k, answer=True)) for q in queries[:CHECKED]]
            mistakes = [oracle.mistake(query, answer["rows"], k) for query, answer in answers]
            wrong = [mistake for mistake in mistakes if mistake is not None]
            # Several sets of queries are asked at one depth: their mistakes add up.
            found = peer.facts.setdefault("checks", {}).setdefault(
                str(k), {"queries": 0, "wrong": 0, "first": None}
            )
            found["queries"] += len(mistakes)
            found["wrong"] += len(wrong)
            found["first"] = found["first"] or next(iter(wrong), None)
            if wrong:
                say(f"{peer.name}: {len(wrong)} of {len(mistakes)} answers differ at k = {k}: {wrong[0]}")


def percentiles(samples: np.ndarray) -> dict[str, float]:
    """Mean and percentiles, in microseconds, of per-query medians over rounds."""
    medians = np.median(samples, axis=0) / 1000
    p50, p95, p99 = np.percentile(medians, [50, 95, 99])
    return {"mean": float(medians.mean()), "p50": float(p50), "p95": float(p95), "p99": float(p99)}


def measure(
    names: Sequence[str],
    workload: Workload,
    cache: Path,
    *,
    depths: Sequence[int],
    rounds: int,
    limit: int,
    sets: Sequence[str],
) -> dict[str, Any]:
    """Time every set of queries at every depth: each query goes to every peer before the next one does."""
    peers = open_all(names, workload, cache)
    result: dict[str, Any] = {"latency": {}, "batch": {}}
    for set_name in sets:
        queries = workload.queries[set_name][:limit]
        for k in depths if set_name == "mixed" else [depths[0]]:
            say(f"{workload.folder.name}, {set_name} queries, k = {k}")
            check(peers, workload, queries, k)
            for peer in peers:
                peer.ask("warm", queries=queries, k=k)
            samples = {peer.name: np.zeros((rounds, len(queries))) for peer in peers}
            for turn in range(rounds):
                for i, query in enumerate(queries):
                    for offset in range(len(peers)):
                        peer = peers[(i + offset + turn) % len(peers)]
                        samples[peer.name][turn, i] = peer.ask(
                            "query", tokens=query, k=k, before=queries[i - 1]
                        )["ns"]
            result["latency"][f"{set_name} k={k}"] = {name: percentiles(s) for name, s in samples.items()}
    queries = workload.queries["mixed"][:limit]
    for threads in (1, 2):
        for peer in peers:
            times = [
                peer.ask("batch", queries=queries, k=depths[0], threads=threads)["ns"]
                for _ in range(max(rounds, 3))
            ]
            if times[0] is not None:
                rate = len(queries) / float(np.median(times)) * 1e9
                result["batch"].setdefault(peer.name, {})[str(threads)] = rate
    result["peers"] = {peer.name: peer.facts for peer in peers}
    for peer in peers:
        peer.stop()
    return result
