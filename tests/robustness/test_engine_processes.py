"""Processes that read while one writes: each answer is that of exactly one committed generation."""

import multiprocessing
from pathlib import Path

from fakes import FakeEmbedder
from readers import answer_of, read

import pyengine as pe

READERS = 3
ROUNDS = 30


def text(n: int, version: int) -> dict[str, str]:
    return {"id": f"d{n}", "text": f"all number{n} version{version}"}


def test_readers_beside_a_writer(tmp_path: Path) -> None:
    path = tmp_path / "idx"
    context = multiprocessing.get_context("spawn")
    ready, stop, out = context.Barrier(READERS + 1), context.Event(), context.Queue()
    with pe.Engine.create(path, embedder=FakeEmbedder(8), auto_compact=pe.TieredMerge(factor=3)) as engine:
        engine.add([text(n, 0) for n in range(20)])
        expected = {engine.commit(): tuple(sorted((f"d{n}", text(n, 0)["text"]) for n in range(20)))}
        processes = [context.Process(target=read, args=(path, ready, stop, out)) for _ in range(READERS)]
        for process in processes:
            process.start()
        ready.wait(60)
        held = dict(expected[engine.generation])
        for version in range(1, ROUNDS):
            engine.update([text(n, version) for n in range(version % 4, 20, 4)])
            engine.delete([f"d{20 + version - 1}"], missing_ok=True)
            engine.add([text(20 + version, version)])
            held |= {f"d{n}": text(n, version)["text"] for n in range(version % 4, 20, 4)}
            held.pop(f"d{20 + version - 1}", None)
            held[f"d{20 + version}"] = text(20 + version, version)["text"]
            # Noted before the commit: a reader may have the generation before this process goes on.
            expected[engine.generation + 1] = tuple(sorted(held.items()))
            assert engine.commit() in expected
            if version % 5 == 0:
                expected[engine.generation + 1] = expected[engine.generation]
                engine.compact()
        assert answer_of(engine) == expected[engine.generation]
        stop.set()
        seen = [out.get(timeout=60) for _ in processes]
        for process in processes:
            process.join(60)
            assert process.exitcode == 0
    generations = set()
    for answers in seen:
        for generation, answer, dense in answers:
            assert answer == expected[generation]
            assert dense == len(answer)
            generations.add(generation)
        assert max(generation for generation, _, _ in answers) == max(expected)
    assert len(generations) > ROUNDS // 3, "the readers saw too little to tell"
