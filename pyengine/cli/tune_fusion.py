"""``pyengine tune-fusion``: fusion weights from judged queries, if they gain more than noise."""

from pathlib import Path

import click

from pyengine.cli.console import print_json, print_line
from pyengine.cli.options import json_option, path_type

__all__ = ["command"]


@click.command("tune-fusion")
@click.argument("index", type=path_type)
@click.option(
    "--queries",
    "folder",
    type=path_type,
    required=True,
    metavar="DIR",
    help="A BEIR folder: queries.jsonl, and judgements in qrels.",
)
@click.option(
    "--split", default="dev", show_default=True, help="Judgements to tune on: qrels/SPLIT.tsv, not 'test'."
)
@click.option("--metric", default="ndcg@10", show_default=True, help="What to gain in.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of folds and samples.")
@click.option("--dry-run", is_flag=True, help="Say what would be recorded, and record nothing.")
@json_option
def command(
    *, index: Path, folder: Path, split: str, metric: str, seed: int, dry_run: bool, as_json: bool
) -> None:
    """Choose the weights of INDEX's fusion, and record them where they gain more than noise."""
    if split == "test":
        raise click.UsageError(
            "--split: expected judgements that quality is not reported on, got 'test'; tune on dev or train"
        )
    from pyengine.engine import Engine  # noqa: PLC0415 - the engine, which --help does without
    from pyengine.eval import EvalSet  # noqa: PLC0415 - as above
    from pyengine.tune import tune_fusion  # noqa: PLC0415 - as above

    with Engine.open(index) as engine:
        evalset = EvalSet.from_beir(folder, split)
        found = tune_fusion(engine, evalset, metric=metric, seed=seed, save=not dry_run)
    if as_json:
        print_json(found.to_json())
    else:
        print_line(str(found))
