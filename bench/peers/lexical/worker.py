"""One peer in its own process and environment: reads JSON lines, answers JSON lines, times inside.

Runs in environments that have the peer and nothing else, so it imports the standard library alone.
"""

import gc
import importlib
import json
import os
import resource
import sys
import time


def texts(path):
    """Documents, one a line."""
    with open(path, encoding="utf-8") as file:
        for line in file:
            yield line.rstrip("\n")


def megabytes():
    """Greatest resident set so far, in MiB, of this process or of one it waited for.

    Of this one getrusage would count that of the parent before exec.
    """
    with open("/proc/self/status") as file:
        own = next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))
    return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024


def resident(pid="self"):
    """Resident set now, in MiB."""
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def plain(values):
    """A JSON-able list of ids or scores."""
    return [value.item() if hasattr(value, "item") else value for value in values]


class Worker:
    """The commands, by name."""

    def __init__(self, adapter):
        sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "adapters"))
        started = time.perf_counter()
        self.module = importlib.import_module(adapter)
        self.peer = self.module.Peer()
        self.import_seconds = time.perf_counter() - started

    def hello(self):
        """What the peer says of itself."""
        return {"idf": self.module.IDF, "lengths": self.module.LENGTHS, "import_s": self.import_seconds}

    def build(self, docs, folder, k1, b):
        """Build from raw texts: seconds and peak memory."""
        os.makedirs(folder, exist_ok=True)
        before = megabytes()
        started = time.perf_counter()
        self.peer.build(texts(docs), folder, k1, b)
        return {"seconds": time.perf_counter() - started, "peak_mb": megabytes(), "before_mb": before}

    def open(self, folder, k1, b):
        """Open a built index: seconds, memory, bytes."""
        before = resident()
        started = time.perf_counter()
        self.peer.open(folder, k1, b)
        seconds = time.perf_counter() - started
        gc.collect()
        gc.freeze()
        used = resident() - before
        if hasattr(self.peer, "pid"):  # it runs in a process of its own
            used = resident(self.peer.pid)
        return {"seconds": seconds, "rss_mb": used, "bytes": self.peer.size(folder)}

    def warm(self, queries, k):
        """Let a peer that compiles while it runs do so."""
        if hasattr(self.peer, "warm"):
            self.peer.warm(queries, k)
        return {}

    def query(self, tokens, k, before=None, answer=False):
        """Time one query; with ``answer`` also return what it found.

        ``before`` is another query, asked untimed: while other peers had the machine this process lost its
        place in the caches, and a service under load would have it.
        """
        if before is not None:
            self.peer.search(before, k)
        started = time.perf_counter_ns()
        ids, scores = self.peer.search(tokens, k)
        nanoseconds = self.own_clock(time.perf_counter_ns() - started)
        if not answer:
            return {"ns": nanoseconds}
        rows = self.peer.rows(ids) if hasattr(self.peer, "rows") else plain(ids)
        # Some peers fill up with documents that do not match.
        matching = sum(score > 0 for score in plain(scores))
        return {"ns": nanoseconds, "rows": rows[:matching]}

    def batch(self, queries, k, threads):
        """Time one call with many queries, if the peer has that."""
        if not hasattr(self.peer, "search_batch"):
            return {"ns": None}
        started = time.perf_counter_ns()
        self.peer.search_batch(queries, k, threads)
        return {"ns": self.own_clock(time.perf_counter_ns() - started)}

    def own_clock(self, nanoseconds):
        """The time a peer took by its own clock, where it runs in a process of its own, or else ours."""
        return getattr(self.peer, "nanoseconds", nanoseconds)


def main():
    """Serve commands until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a peer prints goes to standard error
    worker = Worker(sys.argv[1])
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer = getattr(worker, command.pop("op"))(**command)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
