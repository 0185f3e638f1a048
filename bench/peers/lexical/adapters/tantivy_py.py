"""tantivy through its Python binding: one segment, no hit count, since counting switches pruning off."""

import os

import tantivy

IDF = "lucene"
LENGTHS = "one byte"


def schema():
    """One text field split at spaces, and the row."""
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("text", stored=False, tokenizer_name="whitespace", index_option="freq")
    builder.add_unsigned_field("row", stored=True)
    return builder.build()


class Peer:
    """One index, one thread."""

    def build(self, texts, folder, k1, b):
        """Index with one thread and merge to one segment."""
        index = tantivy.Index(schema(), path=folder)
        writer = index.writer(heap_size=1_000_000_000, num_threads=1)
        for row, text in enumerate(texts):
            writer.add_document(tantivy.Document(text=text, row=row))
        writer.commit()
        writer.wait_merging_threads()

    def open(self, folder, k1, b):
        """Open the index."""
        self.index = tantivy.Index.open(folder)
        self.searcher = self.index.searcher()

    def query(self, tokens):
        """A disjunction of terms, as a search box would make."""
        terms = [
            (tantivy.Occur.Should, tantivy.Query.term_query(self.index.schema, "text", token, "freq"))
            for token in tokens
        ]
        return tantivy.Query.boolean_query(terms)

    def search(self, tokens, k):
        """Return document addresses and scores; rows() turns the former into rows, untimed."""
        hits = self.searcher.search(self.query(tokens), k, count=False).hits
        return [address for _, address in hits], [score for score, _ in hits]

    def rows(self, addresses):
        """Rows from document addresses."""
        return [self.searcher.doc(address)["row"][0] for address in addresses]

    def size(self, folder):
        """Bytes on disk."""
        return sum(os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder))
