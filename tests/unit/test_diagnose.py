"""Collections with a known blind spot are confirmed, those without are healthy; what cannot run says so."""

import json
import re
import shutil
import subprocess
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pyengine as pe
from pyengine.diagnose import diagnose
from pyengine.errors import InvalidInputError

TOPICS = ["pump", "valve", "motor", "sensor", "gasket", "filter", "bearing", "switch", "relay", "hose"]
DETAILS = ["leaks", "stuck", "noisy", "hot", "broken", "slow", "loose", "worn", "blocked", "wet"]


class Words:
    """A bag of hashed words as a unit vector. ``blind``: it does not see words with a digit in them."""

    def __init__(self, blind: bool, dim: int = 256) -> None:
        self.blind = blind
        self.dim = dim
        self.fingerprint = f"words-{blind}-{dim}"

    def embed(self, texts: Sequence[str], *, kind: Any = "passage") -> Any:
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        vectors[:, 0] = 0.05
        for vector, text in zip(vectors, texts, strict=True):
            for word in re.findall(r"[\w.-]+", text.lower()):
                if not (self.blind and any(char.isdigit() for char in word)):
                    place = zlib.crc32(word.encode())
                    vector[place % self.dim] += 1 if place & 1024 else -1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def corpus() -> list[dict[str, Any]]:
    """Reports of ten topics by ten details, six of each, told apart by a part number alone."""
    return [
        {
            "id": f"{t}-{d}-{i}",
            "text": f"report on a {topic} that is {detail} part QX-{1000 + 61 * n} unit {word}",
        }
        for t, topic in enumerate(TOPICS)
        for d, detail in enumerate(DETAILS)
        for i in range(6)
        for n in [(t * 10 + d) * 6 + i]
        for word in ["abcdefghij"[n % 10] * 3 + "klmnopqrst"[n // 10 % 10] * 2 + "uvwxyz"[n // 100]]
    ]


def judged(documents: list[dict[str, Any]], share_with_literal: float) -> pe.EvalSet:
    """Every sixth document is asked for: by its number, or by its odd word."""
    ids, texts, qrels = [], [], {}
    for n, document in enumerate(documents[::3]):
        words = document["text"].split()
        with_number = n % 10 < 10 * share_with_literal
        ids.append(f"q{n}")
        texts.append(f"{words[3]} {words[6]} {words[8] if with_number else words[10]}")
        qrels[f"q{n}"] = {document["id"]: 1}
    return pe.EvalSet.of(ids, texts, pe.Qrels.from_dict(qrels))


def engine_of(path: Path, embedder: Any) -> pe.Engine:
    engine = pe.Engine.create(path, embedder=embedder)
    engine.add(corpus())
    engine.commit()
    return engine


def test_a_model_that_is_blind_to_literals_is_confirmed(tmp_path: Path) -> None:
    with engine_of(tmp_path / "i", Words(blind=True)) as engine:
        found = diagnose(engine, judged(corpus(), 0.5), all=True)
        assert found.verdict == "confirmed"
        assert {t: found.findings[t].verdict for t in ("lift", "location", "blindness")} == {
            "lift": "confirmed",
            "location": "confirmed",
            "blindness": "confirmed",
        }
        literal = found.findings["location"].details["axes"]["literal"]
        assert literal["with"]["low"] > 5 > abs(literal["without"]["lift"])
        family = found.findings["blindness"].details["families"]["sku"]
        assert (family["found_lexical"], family["swap_moves"]) == (1.0, pytest.approx(0, abs=1e-3))
        assert family["found_dense"] < 0.3
        # Its document stays where it is whatever the number, and falls with a word: in every resample.
        assert family["swap_falls"] == 0 < family["control_falls"]
        assert family["falls_less"]["value"] == pytest.approx(-family["control_falls"])
        assert family["falls_less"]["low"] < family["falls_less"]["value"] < family["falls_less"]["high"] < 0
        assert family["moves_less"]["high"] < 0
        assert "it surely moves less and falls less for a literal" in found.findings["blindness"].notes[0]
        assert found.next_step.gain is not None
        # Cheap to dear, and no further than the matter needs.
        brief = diagnose(engine, judged(corpus(), 0.5))
        assert list(brief.findings) == ["census", "divergence", "lift", "location"]
        assert brief.verdict == "confirmed"


def test_a_model_that_sees_literals_is_healthy(tmp_path: Path) -> None:
    with engine_of(tmp_path / "i", Words(blind=False)) as engine:
        found = diagnose(engine, judged(corpus(), 0.5), all=True)
        assert found.verdict == "healthy"
        assert found.findings["lift"].verdict == "healthy"
        blindness = found.findings["blindness"]
        assert blindness.verdict == "healthy"
        assert blindness.details["families"]["sku"]["swap_falls"] > 0
        assert blindness.details["families"]["sku"]["swap_moves"] > 0.01
        assert found.findings["triage"].verdict == "healthy"


def test_an_index_of_chunks(tmp_path: Path) -> None:
    """Documents that are padded with a chunk of words of their own read as they do whole."""
    documents = [{**d, "text": d["text"] + ". " + f"filler{n} " * 40} for n, d in enumerate(corpus())]
    with pe.Engine.create(
        tmp_path / "i", embedder=Words(blind=True), chunker=pe.Chunker(16, 0, sentences=False)
    ) as engine:
        engine.add(documents)
        engine.commit()
        assert len(engine) > engine.n_documents == len(documents)
        found = diagnose(engine, judged(corpus(), 0.5), all=True)
    assert found.findings["lift"].details["means"]["ndcg@10"]["lexical"] > 0.5
    assert found.findings["blindness"].details["families"]["sku"]["found_lexical"] == 1.0
    ranks = found.findings["lift"].details["ranks"]
    assert ranks["documents"] == len(documents[::3])
    assert ranks["median"]["lexical"] < 10


def test_ceilings_and_ranks_by_hand(tmp_path: Path) -> None:
    documents = [{"id": "a", "text": "alpha"}, {"id": "b", "text": "beta"}, {"id": "c", "text": "gamma"}]
    with pe.Engine.create(tmp_path / "i", embedder=Words(blind=False)) as engine:
        engine.add(documents)
        engine.commit()
        qrels = pe.Qrels.from_dict({"q1": {"a": 1, "nowhere": 1}, "q2": {"b": 2, "c": 1}})
        evalset = pe.EvalSet.of(["q1", "q2"], ["alpha", "gamma"], qrels)
        found = diagnose(engine, evalset, tests=["lift"]).findings["lift"]
    ceilings = found.details["ceilings"]
    assert ceilings["perfect_rerank"] == pytest.approx(1.0)
    assert ceilings["union_recall@100"] == pytest.approx(1.0)  # of those that the corpus has
    lexical_second = (1 / 1) / (2 + 1 / np.log2(3))  # only c is found: gain 1 of 2 + 1/log2(3)
    first = 1 / (1 + 1 / np.log2(3))  # the second relevant document is not in the corpus
    assert found.details["means"]["ndcg@10"]["lexical"] == pytest.approx((first + lexical_second) / 2)
    ranks = found.details["ranks"]
    assert ranks["documents"] == 3
    assert ranks["not_found"]["lexical"] == 1
    assert any("1 judged documents are not in the corpus ('nowhere')" in note for note in found.notes)
    assert found.details["queries"][1]["rank"]["lexical"] == 1


def test_the_playbooks_mode(tmp_path: Path) -> None:
    with engine_of(tmp_path / "i", Words(blind=True)) as engine:
        found = diagnose(engine, judged(corpus(), 0.5), mode="playbook", all=True)
        assert list(found.findings) == ["census", "divergence", "lift", "location"]
        assert {finding.mode for finding in found.findings.values()} == {"playbook"}
        location = found.findings["location"]
        assert location.details["threshold"] == 1
        assert "rare means in one document" in location.notes[0]
        # Every query has a number or a word that stands in one document.
        assert (
            location.details["buckets"]["common"]["n"],
            location.details["buckets"]["common"]["lift"],
        ) == (0, None)
        rare = next(signal for signal in found.signals if signal.name == "lift of the rare bucket")
        assert rare.value == location.details["buckets"]["rare"]["lift"]


def test_what_teams_try_first_and_a_board(tmp_path: Path) -> None:
    with engine_of(tmp_path / "i", Words(blind=True)) as engine:
        evalset = judged(corpus(), 0.5)
        found = diagnose(
            engine,
            evalset,
            tests=["lift"],
            embedders={"twin": Words(blind=True, dim=128), "seeing": Words(blind=False)},
            leaderboard={"index": 1, "twin": 2, "seeing": 9},
        )
        probes = {row.what: row for row in found.probes}
        assert set(probes) == {
            "the first 128 of 256 dimensions",
            "the first 64 of 256 dimensions",
            "twin in its place",
            "twin fused with it",
            "seeing in its place",
            "seeing fused with it",
            "BM25 fused with it",
        }
        # A second model with the same blind spot brings nothing; BM25 does.
        assert probes["twin fused with it"].gain < 3 < probes["BM25 fused with it"].low
        assert probes["seeing in its place"].low > 0
        places = {standing.name: standing.place for standing in found.standings}
        assert (places["seeing"], places["index"]) == (1, 2)
        gap = next(signal for signal in found.signals if signal.name == "leaderboard gap")
        assert (gap.value, gap.reading) == (1.0, "healthy")
        assert found.to_json()["standings"][0]["name"] == "seeing"
        with pytest.raises(InvalidInputError, match="leaderboard: expected places from 1 on"):
            diagnose(
                engine, evalset, tests=["lift"], embedders={"twin": Words(blind=True)}, leaderboard={"x": 1}
            )
        with pytest.raises(InvalidInputError, match="embedders: expected judged queries"):
            diagnose(engine, tests=["census"], embedders={"twin": Words(blind=True)})


def test_what_cannot_run_says_why(tmp_path: Path) -> None:
    with pe.Engine.create(tmp_path / "i") as engine:
        with pytest.raises(InvalidInputError, match="empty index"):
            diagnose(engine)
        engine.add([{"id": "one", "text": "a single document"}])
        engine.commit()
        found = diagnose(engine, all=True)
        assert {t: f.verdict for t, f in found.findings.items() if t != "census"} == dict.fromkeys(
            ("divergence", "lift", "location", "blindness", "triage"), "not run"
        )
        assert "no vectors" in found.findings["blindness"].reason
        assert (found.verdict, found.next_step.treatment) == ("inconclusive", "index with an embedder")
        other = pe.EvalSet.of(["q"], ["x"], pe.Qrels.from_dict({"q": {"elsewhere": 1}}))
        with pytest.raises(InvalidInputError, match=r"a relevant document .*'elsewhere'"):
            diagnose(engine, other)
        for wrong, message in (
            ({"mode": "x"}, "mode: expected"),
            ({"tests": ["x"]}, "tests: expected"),
            ({"tests": []}, "tests: expected"),
            ({"level": 1.0}, "level: expected"),
        ):
            with pytest.raises(InvalidInputError, match=message):
                diagnose(engine, **wrong)


def test_an_arm_that_answers_nothing_is_no_zero(tmp_path: Path) -> None:
    with engine_of(tmp_path / "i", Words(blind=False)) as engine:
        evalset = pe.EvalSet.of(["q"], ["zzz"], pe.Qrels.from_dict({"q": {"0-0-0": 1}}))
        with pytest.raises(InvalidInputError, match="lexical branch: it answered none of the 1 queries"):
            diagnose(engine, evalset, tests=["lift"])


def test_evalsets_made_by_hand() -> None:
    qrels = pe.Qrels.from_dict({"a": {"d": 1}, "z": {"d": 1}})
    made = pe.EvalSet.of(["b", "a"], ["unjudged", "judged"], qrels)
    assert (made.query_ids, made.report.n_unknown_queries, made.report.n_queries_unjudged) == (("a",), 1, 1)
    for ids, texts, message in (
        (["a"], [], "expected one for each of 1 ids"),
        (["a", "a"], ["x", "y"], "each once"),
        (["c"], ["x"], "none of the 1 queries is judged"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            pe.EvalSet.of(ids, texts, qrels)


HOSTILE = (
    '</script><script>document.title="owned"</script><img src=x onerror="document.title=\'owned\'"> F33.1'
)


def test_the_report_in_a_browser(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the report's drawing library is not installed")
    pytest.importorskip("jinja2", reason="the report's template library is not installed")
    documents = [{**d, "text": d["text"] + f" {HOSTILE}"} for d in corpus()]
    with pe.Engine.create(tmp_path / "i", embedder=Words(blind=True)) as engine:
        engine.add(documents)
        engine.commit()
        evalset = judged(corpus(), 0.5)
        hostile = pe.EvalSet.of(
            evalset.query_ids, [f"{text} {HOSTILE}" for text in evalset.queries], evalset.qrels
        )
        found = diagnose(engine, hostile, all=True)
    page = tmp_path / "report.html"
    found.to_html(page, command=f"pyengine diagnose {HOSTILE}")
    values = found.to_json(tmp_path / "out.json")
    assert json.loads((tmp_path / "out.json").read_text())["verdict"] == values["verdict"]
    html = page.read_text()
    assert "<script" not in html
    assert "<img" not in html
    assert f'data-verdict="{found.verdict}"' in html
    assert "<mark>F33.1</mark>" in html
    recall = found.findings["lift"].details["recall_fused_minus_dense"]
    assert f"Recall@100 by {100 * recall['difference']:+.1f} points" in html
    drawn = [test for test, finding in found.findings.items() if finding.verdict != "not run"]
    for test in drawn:
        section = html[html.index(f'<section id="{test}">') :]
        assert "<svg" in section[: section.index("</section>")], test
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        pytest.skip("no Chromium: the page was checked as text only")
    done = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom",
         f"--user-data-dir={tmp_path / 'profile'}", page.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert f"<title>pyengine diagnosis: {found.verdict}</title>" in done.stdout
    assert "owned</title>" not in done.stdout
    assert not [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert done.stdout.count("<svg") == html.count("<svg") >= len(drawn)
    assert values["about"]["versions"]["pyengine"] == pe.__version__
    assert f"pyengine {pe.__version__}, Python " in done.stdout
