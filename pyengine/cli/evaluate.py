"""``pyengine evaluate``: how good the answers are, and how sure that is."""

from pathlib import Path
from typing import Any

import click

from pyengine.cli.console import print_json, print_line, progress
from pyengine.cli.judged import judged_queries, read_qrels
from pyengine.cli.measure import depth_for, measure, print_evaluations
from pyengine.cli.options import (
    FUSIONS,
    MODES,
    BuildSettings,
    build_options,
    corpus_option,
    json_option,
    path_type,
)
from pyengine.cli.sources import opened

__all__ = ["command"]


@click.command("evaluate")
@click.argument("index", type=path_type, required=False)
@click.option(
    "--queries", type=path_type, metavar="FILE_OR_DIR", help="Queries; a BEIR folder brings its judgements."
)
@click.option("--qrels", type=path_type, metavar="FILE", help="Judgements, BEIR .tsv or TREC.")
@click.option("--split", default="test", show_default=True, help="Judgements of a BEIR folder to use.")
@click.option("--run", type=path_type, metavar="FILE", help="Measure this TREC run instead of an index.")
@click.option(
    "--metrics",
    default="ndcg@10,recall@100,mrr@10",
    show_default=True,
    help="Of ndcg, ndcg_exp, recall, precision, mrr, map, success, with or without @cutoff.",
)
@click.option(
    "--modes",
    help="What to measure, with commas: lexical, dense, hybrid, or hybrid by a fusion: rrf, wrrf, convex, "
    "auto. Default: the branches that the index has, and hybrid.",
)
@corpus_option
@build_options
@json_option
def command(
    *,
    index: Path | None,
    queries: Path | None,
    qrels: Path | None,
    split: str,
    run: Path | None,
    metrics: str,
    modes: str | None,
    corpus: Path | None,
    as_json: bool,
    **build: Any,
) -> None:
    """Measure INDEX (or --corpus, or --run) against judgements, with confidence intervals over queries."""
    wanted = _split(metrics, "--metrics")
    if run is not None:
        if index is not None or corpus is not None or queries is not None or modes is not None:
            raise click.UsageError("--run stands alone: expected no INDEX, --corpus, --queries or --modes")
        if qrels is None:
            raise click.UsageError("expected --qrels FILE beside --run, got none")
        _evaluate_run(run, qrels, split, wanted, as_json=as_json)
        return
    arms = _arms(modes)
    query_ids, texts, judged = judged_queries(queries, qrels, corpus, split)
    with opened(index, corpus, BuildSettings(**build)) as engine:
        arms = arms or (["lexical"] if engine.dense is None else ["lexical", "dense", "hybrid"])
        with progress("asking", len(arms) * len(texts)) as callback:
            measured = measure(
                engine,
                query_ids,
                texts,
                judged,
                arms=arms,
                metrics=wanted,
                k=depth_for(wanted),
                progress=callback,
            )
    found = measured.to_json()
    if as_json:
        print_json(found)
        return
    print_evaluations(measured.evaluations)
    print_line()
    print_line(found["summary"])


def _evaluate_run(run: Path, qrels: Path, split: str, metrics: list[str], *, as_json: bool) -> None:
    from pyengine.eval import Run, evaluate  # noqa: PLC0415 - NumPy and Numba, which --help does without

    evaluation = evaluate(Run.from_trec(run), read_qrels(qrels, split), metrics)
    if as_json:
        print_json({"arms": {run.stem: evaluation.to_json()}})
    else:
        print_evaluations({run.stem: evaluation})


def _split(text: str, option: str) -> list[str]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        raise click.UsageError(f"{option}: expected at least one, got none")
    return parts


def _arms(modes: str | None) -> list[str]:
    if modes is None:
        return []
    arms = list(dict.fromkeys(_split(modes, "--modes")))
    for arm in arms:
        if arm not in (*MODES, *FUSIONS):
            raise click.UsageError(f"--modes: expected some of {', '.join((*MODES, *FUSIONS))}, got {arm!r}")
    return arms
