"""PISA block-max WAND."""

import pisa_bmm

IDF = "robertson"
LENGTHS = "exact"


class Peer(pisa_bmm.Peer):
    """As block-max MaxScore, with the other algorithm."""

    def run(self, queries, k, threads):
        """Answer queries given as token lists."""
        pisa_bmm.ALGORITHM = "block_max_wand"
        return super().run(queries, k, threads)
