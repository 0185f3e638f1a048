"""Queries with judgements for a command, wherever they stand."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pyengine.cli.queries import read_queries
from pyengine.errors import InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from pyengine.eval import Qrels

__all__ = ["judged_queries", "read_qrels"]


def read_qrels(path: Path, split: str) -> "Qrels":
    """Read judgements: a BEIR folder's ``qrels/<split>.tsv``, a ``.tsv`` as BEIR, anything else as TREC."""
    from pyengine.eval import Qrels  # noqa: PLC0415 - NumPy and Numba, which --help does without

    if path.is_dir():
        file = path / "qrels" / f"{split}.tsv"
        if not file.is_file():
            splits = ", ".join(sorted(found.stem for found in path.glob("qrels/*.tsv"))) or "none"
            raise NotFoundError(f"{file}: no such file; splits of this folder: {splits}")
        return Qrels.from_beir(file)
    return Qrels.from_beir(path) if path.suffix.lower() == ".tsv" else Qrels.from_trec(path)


def judged_queries(
    queries: Path | None, qrels: Path | None, corpus: Path | None, split: str
) -> tuple[list[str], list[str], "Qrels"]:
    """Find the judged queries a command was given: their ids, texts and judgements.

    Parameters
    ----------
    queries : Path or None
        A file of queries, or a BEIR folder, which stands for its judgements too.
    qrels : Path or None
        Judgements; those of the folder by default.
    corpus : Path or None
        A BEIR folder given as the corpus stands for its queries and judgements.
    split : str
        Judgements of a folder to take.

    Raises
    ------
    InvalidInputError
        No query of the file is judged.
    """
    source = queries if queries is not None else corpus
    if source is None:
        raise click.UsageError("expected --queries FILE_OR_BEIR_DIR, got no queries to measure with")
    judgements = qrels
    if judgements is None:
        folder = next((path for path in (queries, corpus) if path is not None and path.is_dir()), None)
        if folder is None:
            raise click.UsageError("expected --qrels FILE, or a BEIR folder as --queries or --corpus")
        judgements = folder
    judged = read_qrels(judgements, split)
    ids, texts = read_queries(source)
    kept = [(query_id, text) for query_id, text in zip(ids, texts, strict=True) if query_id in judged]
    if not kept:
        raise InvalidInputError(
            f"{source}: none of its {len(ids)} queries is judged in {judgements} ({len(judged)} queries); "
            "expected the same ids in both"
        )
    kept_ids = [query_id for query_id, _ in kept]
    return kept_ids, [text for _, text in kept], judged.only(kept_ids)
