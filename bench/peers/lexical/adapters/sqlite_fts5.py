"""SQLite FTS5. Its bm25() has k1 = 1.2 and b = 0.75 compiled in and an idf of its own: not checked."""

import os
import sqlite3

IDF = "other"
LENGTHS = "exact"


class Peer:
    """One database, one connection."""

    def build(self, texts, folder, k1, b):
        """Index texts in one transaction and optimise."""
        database = sqlite3.connect(os.path.join(folder, "fts.db"))
        database.execute("create virtual table docs using fts5(text, content='', tokenize='ascii')")
        rows = ((row, text) for row, text in enumerate(texts))
        database.executemany("insert into docs(rowid, text) values (?, ?)", rows)
        database.execute("insert into docs(docs) values ('optimize')")
        database.commit()
        database.close()

    def open(self, folder, k1, b):
        """Open the database."""
        self.database = sqlite3.connect(os.path.join(folder, "fts.db"))

    def search(self, tokens, k):
        """Return rows and scores of one query."""
        query = " OR ".join(f'"{token}"' for token in tokens)
        rows = self.database.execute(
            "select rowid, -bm25(docs) from docs where docs match ? order by bm25(docs) limit ?", (query, k)
        ).fetchall()
        return [row for row, _ in rows], [score for _, score in rows]

    def size(self, folder):
        """Bytes on disk."""
        return os.path.getsize(os.path.join(folder, "fts.db"))
