"""One analyzer, many threads: the answers are those of one."""

from concurrent.futures import ThreadPoolExecutor

from oracles.texts import LITERALS

from pyengine import Analyzer


def test_threads_share_an_analyzer() -> None:
    analyzer = Analyzer("domain", stemmer="english", stopwords="english")
    # Above and below the length from which the GIL is released.
    texts = [
        f"running {literal} and the Größe, " * repeat for literal in LITERALS[:60] for repeat in (1, 200)
    ]
    alone = [analyzer.tokens(text) for text in texts]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            assert list(pool.map(analyzer.tokens, texts)) == alone
