"""``python -m bench.quality``: measure every collection there is, compare, say OK or FAIL."""

import argparse
import contextlib
import os
import platform
import sys
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path

from bench.quality.check import Line, check
from bench.quality.measure import DENSE_GROUPS, Measurement, measure
from bench.quality.spec import (
    HERE,
    Collection,
    Settings,
    load_collection,
    load_collections,
    load_settings,
    write_expected,
)
from bench.quality.tables import rewrite
from bench.quality.vectors import CachedEmbedder
from pyengine.errors import MissingExtraError, NotFoundError, PyEngineError

__all__ = ["main"]

ROOT = HERE.parents[1]
DATA = "../shared/data"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.quality",
        description="Measure ranking quality over labelled collections and compare it with what is expected. "
        "Exit code: 0 as expected, 1 a figure is not, 2 wrong usage or nothing to measure.",
    )
    data = os.environ.get("PYENGINE_DATA", str(ROOT / DATA))
    parser.add_argument(
        "--data", type=Path, default=Path(data), help="folder of BEIR folders (PYENGINE_DATA)"
    )
    parser.add_argument("--cache", type=Path, default=HERE / "cache", help="where vectors are kept")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these collections")
    parser.add_argument(
        "--no-dense", action="store_true", help="leave out what needs the embedder (minutes, not an hour)"
    )
    parser.add_argument("--threads", type=int, default=1, help="threads of the embedder")
    parser.add_argument(
        "--update", action="store_true", help="write the figures as the expected ones, and the tables"
    )
    parser.add_argument("--tables", action="store_true", help="only write the tables from the YAML files")
    parser.add_argument("--quiet", action="store_true", help="show failures and one line per collection")
    parser.add_argument("--spec", type=Path, default=HERE, help=argparse.SUPPRESS)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        Of the command line; the process's own by default.
    """
    options = _parser().parse_args(arguments)
    try:
        settings = load_settings(options.spec / "settings.yaml")
        collections = load_collections(options.spec)
        if options.tables:
            _tables(collections, settings)
            return 0
        chosen = _choose(collections, options.only)
        return _run(chosen, settings, options)
    except PyEngineError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _choose(collections: list[Collection], only: list[str] | None) -> list[Collection]:
    if only is None:
        return collections
    known = {collection.name: collection for collection in collections}
    for name in only:
        if name not in known:
            raise NotFoundError(f"--only: no collection {name!r}; there are {', '.join(known)}")
    return [known[name] for name in only]


def _run(collections: list[Collection], settings: Settings, options: argparse.Namespace) -> int:
    embedder, why_not = _embedder(settings, options)
    failed: list[str] = []
    measured = 0
    for collection in collections:
        folder = options.data / collection.name
        if not (folder / "corpus.jsonl").is_file():
            print(f"SKIP {collection.name}: no {folder / 'corpus.jsonl'}")
            continue
        try:
            say = _sayer(collection.name)
            result = measure(folder, collection, settings, embedder=embedder, say=say)
        except PyEngineError as error:
            print(f"FAIL {collection.name}: {type(error).__name__}: {error}")
            failed.append(collection.name)
            continue
        measured += 1
        if options.update:
            _update(collection, result, embedder)
            collection = load_collection(collection.path)  # noqa: PLW2901  # hold it to what was written
        skipped = frozenset(DENSE_GROUPS if embedder is None else ())
        lines = check(collection.expected, result.figures, result.laws, settings, skipped=skipped)
        if not _report(collection.name, lines, result, why_not, quiet=options.quiet):
            failed.append(collection.name)
    if not measured and not failed:
        print(
            f"error: nothing measured: no collection in {options.data}; set --data or PYENGINE_DATA",
            file=sys.stderr,
        )
        return 2
    if options.update and options.spec == HERE:
        _tables(load_collections(options.spec), settings)
    print(f"{measured} collections measured, " + (f"FAIL: {', '.join(failed)}" if failed else "all OK"))
    return 1 if failed else 0


def _embedder(settings: Settings, options: argparse.Namespace) -> tuple[CachedEmbedder | None, str]:
    if options.no_dense:
        return None, "--no-dense"
    from pyengine import OnnxEmbedder  # noqa: PLC0415  # the lexical part needs no model runtime

    try:
        inner = OnnxEmbedder(settings.embedder, n_threads=options.threads)
    except (MissingExtraError, NotFoundError) as error:
        return None, str(error)
    return CachedEmbedder(inner, options.cache), ""


def _sayer(name: str) -> Callable[[str], None]:
    def say(text: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\033[K{name}: {text}", end="", file=sys.stderr, flush=True)

    return say


def _report(name: str, lines: list[Line], result: Measurement, why_not: str, *, quiet: bool) -> bool:
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    for line in lines:
        if not line.ok or not quiet:
            verdict, _, rest = str(line).partition(" ")
            print(f"{verdict:4} {name}/{rest.lstrip()}")
    for remark in result.remarks:
        print(f"note {name}: {remark}")
    if why_not:
        print(f"SKIP {name}: {', '.join(DENSE_GROUPS)}: {why_not}")
    bad = sum(not line.ok for line in lines)
    print(f"{'FAIL' if bad else 'OK'}   {name}: {len(lines) - bad} of {len(lines)} figures as expected")
    return not bad


def _update(collection: Collection, result: Measurement, embedder: CachedEmbedder | None) -> None:
    # A run without the embedder keeps what an earlier one measured with it.
    kept = {g: v for g, v in collection.expected.items() if embedder is None and g in DENSE_GROUPS}
    write_expected(collection.path, {**result.figures, **kept}, _versions())


def _versions() -> dict[str, str]:
    found = {"processor": _processor()}
    for package in ("onnxruntime", "usearch", "bm25s", "PyStemmer", "numpy"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def _tables(collections: list[Collection], settings: Settings) -> None:
    for page in rewrite(ROOT, collections, settings):
        print(f"wrote {page}")


if __name__ == "__main__":
    sys.exit(main())
