"""LanceDB's full-text index."""

import os

import lancedb
import pyarrow as pa

IDF = "lucene"
LENGTHS = "one byte"


class Peer:
    """One table with one index."""

    def build(self, texts, folder, k1, b):
        """Write a table and index its text."""
        texts = list(texts)
        table = lancedb.connect(folder).create_table(
            "docs", pa.table({"row": pa.array(range(len(texts)), pa.int64()), "text": pa.array(texts)})
        )
        table.create_fts_index(
            "text", base_tokenizer="whitespace", stem=False, remove_stop_words=False, lower_case=True
        )

    def open(self, folder, k1, b):
        """Open the table."""
        self.table = lancedb.connect(folder).open_table("docs")

    def search(self, tokens, k):
        """Return rows and scores of one query."""
        found = (
            self.table.search(" ".join(tokens), query_type="fts")
            .select(["row", "_score"])
            .limit(k)
            .to_arrow()
        )
        return found["row"].to_pylist(), found["_score"].to_pylist()

    def size(self, folder):
        """Bytes of the index, without the table."""
        return sum(
            os.path.getsize(os.path.join(place, name))
            for place, _, names in os.walk(folder)
            if "_indices" in place
            for name in names
        )
