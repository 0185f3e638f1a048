"""``pyengine compare``: whether two runs differ, and how sure that is."""

import math
from pathlib import Path

import click

from pyengine.cli.console import integer, print_json, print_line, print_table
from pyengine.cli.judged import read_qrels
from pyengine.cli.measure import label
from pyengine.cli.options import json_option, path_type

__all__ = ["command"]


@click.command("compare")
@click.argument("run_a", type=path_type)
@click.argument("run_b", type=path_type)
@click.option("--qrels", type=path_type, required=True, metavar="FILE_OR_DIR", help="Judgements of both.")
@click.option("--split", default="test", show_default=True, help="Judgements of a BEIR folder to use.")
@click.option("--metric", default="ndcg@10", show_default=True, help="What to compare them on.")
@json_option
def command(*, run_a: Path, run_b: Path, qrels: Path, split: str, metric: str, as_json: bool) -> None:
    """Compare two TREC runs query by query. Above 0, RUN_B gains over RUN_A."""
    from pyengine.eval import Run, compare  # noqa: PLC0415 - NumPy and Numba, which --help does without

    names = _names(run_a, run_b)
    judged = read_qrels(qrels, split)
    result = compare(Run.from_trec(run_a), Run.from_trec(run_b), judged, metric, names=names)
    if as_json:
        print_json(result.to_json())
        return
    level = f"{result.settings['level']:.0%} interval"
    interval = "none" if math.isnan(result.low) else f"[{result.low:+.4f}, {result.high:+.4f}]"
    print_table(
        (label(result.metric), result.a, result.b, "difference", level, "p"),
        [
            (
                "",
                f"{result.mean_a:.4f}",
                f"{result.mean_b:.4f}",
                f"{result.difference:+.4f}",
                interval,
                f"{result.p:.2g}",
            )
        ],
        right=range(1, 6),
        indent=0,
    )
    print_line(
        f"{integer(result.n)} queries: {result.b} better on {integer(result.wins)}, worse on "
        f"{integer(result.losses)}, the same on {integer(result.equal)}"
    )
    print_line(_verdict(result.significant, result.difference, result.b, result.a))
    needed = result.queries_still_needed()
    if not result.significant and needed:
        print_line(f"a difference of this size would take about {integer(needed)} more queries to show")


def _verdict(significant: bool, difference: float, b: str, a: str) -> str:
    if not significant:
        return f"undecided: these queries cannot tell {b} from {a}"
    return f"{b} is {'better' if difference > 0 else 'worse'} than {a}, beyond what chance explains"


def _names(a: Path, b: Path) -> tuple[str, str]:
    """Return the shortest names that tell the files apart."""
    return (a.stem, b.stem) if a.stem != b.stem else (str(a), str(b))
