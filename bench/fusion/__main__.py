"""``python -m bench.fusion``: measure every fusion over the collections there are; write docs/fusion.md."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.fusion.measure import measure
from bench.fusion.tables import blocks
from bench.pages import renew_file
from bench.quality.spec import HERE, load_collections, load_settings
from bench.quality.vectors import CachedEmbedder
from pyengine.errors import PyEngineError

__all__ = ["main"]

ROOT = HERE.parents[1]
RESULTS = Path(__file__).parent / "results.json"
FEWEST_DOCUMENTS = 1000
"""Smaller collections are fixtures."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        Of the command line; the process's own by default.
    """
    parser = argparse.ArgumentParser(prog="python -m bench.fusion", description=__doc__)
    data = os.environ.get("PYENGINE_DATA", str(ROOT / "../shared/data"))
    parser.add_argument(
        "--data", type=Path, default=Path(data), help="folder of BEIR folders (PYENGINE_DATA)"
    )
    parser.add_argument("--cache", type=Path, default=HERE / "cache", help="where vectors are kept")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these collections; the others are kept")
    parser.add_argument("--tables", action="store_true", help="only write the tables from results.json")
    options = parser.parse_args(arguments)
    try:
        if not options.tables:
            _measure(options)
        renew_file(ROOT, "docs/fusion.md", blocks(json.loads(RESULTS.read_text(encoding="utf-8"))))
    except PyEngineError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _measure(options: argparse.Namespace) -> None:
    from pyengine import OnnxEmbedder  # noqa: PLC0415  # the tables alone need no model runtime

    settings = load_settings(HERE / "settings.yaml")
    embedder = CachedEmbedder(OnnxEmbedder(settings.embedder, n_threads=1), options.cache)
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    for collection in load_collections(HERE):
        name = collection.name
        folder = options.data / name
        documents = collection.expected.get("counts", {}).get("documents", 0)
        if (options.only and name not in options.only) or documents < FEWEST_DOCUMENTS:
            continue
        if not (folder / "corpus.jsonl").is_file():
            print(f"SKIP {name}: no {folder / 'corpus.jsonl'}")
            continue
        found = measure(folder, collection, settings, embedder, lambda at: print(f"{name}: {at}", flush=True))  # noqa: B023  # called before the next name
        for label, figures in found.items():
            gain = figures["fusions"]["auto"]["gain"]
            print(f"{label}: auto {100 * gain:+.2f} points against the better branch", flush=True)
        kept |= found
        RESULTS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
