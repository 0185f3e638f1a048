"""Lucene, from the jar in the wheel of pyserini; needs a JDK, 11 or newer, on PATH. Timed inside the JVM."""

import glob
import os
import subprocess
import sys

IDF = "lucene"
LENGTHS = "one byte"

WARM_ROUNDS = 15  # until its compiler has done what it will


def java(*arguments):
    """The command that runs LuceneServer.java, which sits beside this file."""
    site = os.path.join(sys.prefix, "lib", "*", "site-packages")
    (jar,) = glob.glob(os.path.join(site, "pyserini", "resources", "jars", "*.jar"))
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "LuceneServer.java")
    return ["java", "-Xmx6g", "-cp", jar, program, *map(str, arguments)]


class Peer:
    """One index, one searcher."""

    def build(self, texts, folder, k1, b):
        """Index a file of the texts; writing it and starting the JVM count."""
        docs = os.path.join(folder, "docs.txt")
        with open(docs, "w") as file:
            file.writelines(text + "\n" for text in texts)
        index = os.path.join(folder, "index")
        subprocess.run(java("build", docs, index, k1, b), check=True, stdout=sys.stderr)
        os.remove(docs)

    def open(self, folder, k1, b):
        """Start the JVM and open the index."""
        self.jvm = subprocess.Popen(
            java("serve", os.path.join(folder, "index"), k1, b),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self.jvm.pid
        assert self.jvm.stdout.readline() == "ready\n"

    def ask(self, *lines):
        """Send lines, return the fields of the answer."""
        self.jvm.stdin.write("\n".join(lines) + "\n")
        self.jvm.stdin.flush()
        return self.jvm.stdout.readline().split()

    def warm(self, queries, k):
        """Let the JVM compile."""
        for _ in range(WARM_ROUNDS):
            for query in queries:
                self.search(query, k)

    def search(self, tokens, k):
        """Return rows and scores of one query."""
        nanoseconds, *hits = self.ask(" ".join(["Q", str(k), *tokens]))
        self.nanoseconds = int(nanoseconds)
        rows = [int(hit.partition(":")[0]) for hit in hits]
        return rows, [float(hit.partition(":")[2]) for hit in hits]

    def search_batch(self, queries, k, threads):
        """Answer many queries in one call."""
        lines = [" ".join(query) for query in queries]
        self.nanoseconds = int(self.ask(f"B {k} {threads}", str(len(lines)), *lines)[0])

    def size(self, folder):
        """Bytes on disk."""
        index = os.path.join(folder, "index")
        return sum(os.path.getsize(os.path.join(index, name)) for name in os.listdir(index))
