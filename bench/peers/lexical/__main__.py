"""``python -m bench.peers.lexical``: environments, workloads, measurements, tables."""

import json
from pathlib import Path
from typing import Any

import click
import numpy as np

from bench.pages import renew_file
from bench.peers.lexical import workloads
from bench.peers.lexical.own import measure_own
from bench.peers.lexical.published import ROOT, pages
from bench.peers.lexical.runner import PEERS, build_all, measure, python_of, say
from bench.peers.lexical.runner import setup as make_environment
from bench.peers.lexical.tables import render
from bench.peers.lexical.workloads import Workload

CACHE = click.option(
    "--cache",
    type=click.Path(path_type=Path),
    required=True,
    help="A folder for environments, workloads and indexes; outside of the repository.",
)


@click.group()
def main() -> None:
    """Measure exact BM25 top k against its peers."""


@main.command()
@CACHE
@click.argument("peers", nargs=-1, type=click.Choice(sorted(PEERS)))
def setup(cache: Path, peers: tuple[str, ...]) -> None:
    """Make the environments of PEERS, all by default."""
    for peer in peers or PEERS:
        say(f"environment of {peer}")
        make_environment(peer, cache)


@main.command()
@CACHE
@click.argument("name", type=click.Choice(["w1", "w2", "texts", "beir"]))
@click.option("--documents", type=int, default=1_000_000, show_default=True)
@click.option(
    "--source", type=click.Path(path_type=Path), help="texts: a file, one a line. beir: its folder."
)
@click.option("--seed", type=int, default=42, show_default=True)
def generate(cache: Path, name: str, documents: int, source: Path | None, seed: int) -> None:
    """Write a workload: w1 short, w2 passages, both synthetic; or your own texts."""
    if (source is None) != (name in ("w1", "w2")):
        raise click.UsageError("--source goes with texts and beir, and they need it")
    folder = cache / "workloads" / (f"{name}-{documents}" if source is None else f"{name}-{source.stem}")
    if name == "w1":
        workloads.generate(folder, documents, mean=9.5, types=627_000, terms=(2, 5), seed=seed)
    elif name == "w2":
        workloads.generate(folder, documents, mean=70.0, types=500_000, terms=(2, 6), seed=seed)
    elif name == "texts" and source is not None:
        with source.open(encoding="utf-8") as file:
            workloads.from_texts(folder, file, terms=(2, 5), seed=seed)
    elif source is not None:
        workloads.from_beir(folder, source, seed=seed)
    say(f"wrote {folder}")


@main.command()
@CACHE
@click.argument("workload")
@click.option("--peers", default=",".join(PEERS), show_default=True, help="Comma-separated.")
@click.option("--depths", default="10,100,1000", show_default=True, help="k, comma-separated.")
@click.option("--rounds", type=int, default=3, show_default=True)
@click.option("--queries", type=int, default=300, show_default=True, help="Of each set.")
@click.option("--sets", default="mixed,single,long", show_default=True, help="Of queries, comma-separated.")
@click.option("--reuse", is_flag=True, help="Take indexes that an earlier run built.")
@click.option("--title", help="What tables call the workload; its name by default.")
@click.option("--output", type=click.Path(path_type=Path), help="Write JSON there; `table` renders it.")
def run(  # noqa: PLR0917 - click passes options by name
    cache: Path,
    workload: str,
    peers: str,
    depths: str,
    rounds: int,
    queries: int,
    sets: str,
    reuse: bool,
    title: str | None,
    output: Path | None,
) -> None:
    """Build and time the peers on WORKLOAD, a name under the cache's workloads."""
    names = []
    for name in peers.split(","):
        if name not in PEERS:
            raise click.UsageError(f"--peers: expected some of {', '.join(PEERS)}, got {name}")
        if python_of(name, cache).exists():
            names.append(name)
        else:
            say(
                f"{name} left out: no environment; python -m bench.peers.lexical setup --cache {cache} {name}"
            )
    chosen = Workload.read(cache / "workloads" / workload)
    rows = np.repeat(np.arange(chosen.documents, dtype=np.uint64), np.diff(chosen.offsets))
    postings = len(np.unique(rows << np.uint64(32) | chosen.tokens))
    del rows
    built = build_all(names, chosen, cache, reuse=reuse)
    result = {
        "workload": workload,
        "title": title or workload,
        "documents": chosen.documents,
        "postings": postings,
        "build": built,
        **measure(
            [name for name in names if name in built],
            chosen,
            cache,
            depths=[int(k) for k in depths.split(",")],
            rounds=rounds,
            limit=queries,
            sets=sets.split(","),
        ),
    }
    write(result, output)
    click.echo(render(result))


@main.command()
@CACHE
@click.argument("workload")
@click.option("--rounds", type=int, default=5, show_default=True)
@click.option("--queries", type=int, default=300, show_default=True)
@click.option("--build/--no-build", default=True, show_default=True, help="Also build in several ways.")
@click.option("--output", type=click.Path(path_type=Path), help="JSON; figures of a run there are kept.")
def own(  # noqa: PLR0917 - click passes options by name
    cache: Path, workload: str, rounds: int, queries: int, build: bool, output: Path | None
) -> None:
    """Measure what has no peer on WORKLOAD: filters, threads, presets, the way from Python to the core."""
    chosen = Workload.read(cache / "workloads" / workload)
    facts = measure_own(chosen, cache, rounds=rounds, limit=queries, build=build)
    result = json.loads(output.read_text()) if output is not None and output.exists() else {}
    write({"workload": workload, "title": workload, **result, "own": facts}, output)
    click.echo(json.dumps(facts, indent=1))


@main.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True))
def table(files: tuple[Path, ...]) -> None:
    """Render results written by ``run --output`` again."""
    for file in files:
        click.echo(render(json.loads(file.read_text())))


@main.command()
def publish() -> None:
    """Write the tables of the results in the repository into README.md and docs/performance.md."""
    for page, blocks in pages().items():
        if renew_file(ROOT, page, blocks):
            say(f"changed {page}")


def write(result: dict[str, Any], output: Path | None) -> None:
    """Write a result as JSON."""
    if output is not None:
        output.write_text(json.dumps(result, indent=1) + "\n")


main()
