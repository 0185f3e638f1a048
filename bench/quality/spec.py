"""The YAML files: what is measured (by hand), and what came out (by ``--update``)."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from pyengine.errors import InvalidInputError

__all__ = [
    "AUTO",
    "Collection",
    "Settings",
    "load_collection",
    "load_collections",
    "load_settings",
    "write_expected",
]

HERE = Path(__file__).parent
AUTO = "auto"
"""The key of the hybrid figures with weights that the engine finds, where others are named by analyzer."""
MARK = "# Everything below this line is written by `python -m bench.quality --update`.\n"

Figures = dict[str, Any]
"""Nested mappings whose leaves are numbers or strings; the first level is the tolerance group."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is measured the same way on every collection.

    Parameters
    ----------
    k1, b : float
        BM25 parameters.
    embedder : str
        Name or folder given to `pyengine.OnnxEmbedder`.
    depth : int
        Hits per query that the metrics see.
    metrics : list of str
        Names known to `pyengine.evaluate`.
    headline, stemmed : str
        Keys of `analyzers`: the engine's default, and the variant reported beside it.
    analyzers : dict
        Name to keyword arguments of `pyengine.Analyzer`.
    tolerances : dict
        Group of figures to the largest allowed absolute difference.
    requirements : dict
        Name of a law to its ``expected`` value and ``tolerance``.
    """

    k1: float
    b: float
    embedder: str
    depth: int
    metrics: list[str]
    headline: str
    stemmed: str
    analyzers: dict[str, dict[str, str]]
    tolerances: dict[str, float]
    requirements: dict[str, dict[str, float]]


@dataclass(frozen=True, kw_only=True)
class Collection:
    """One labelled collection: where it is, what to ask of it, what is expected.

    Parameters
    ----------
    name : str
        Folder below the data directory; also the name of the YAML file.
    about : str
        One line: domain and kind of query.
    licence : str
        As stated by the source.
    split : str
        ``qrels/<split>.tsv``.
    query_sets : dict
        Name to file of queries; the first is the one the headline tables report.
    published : dict
        Figures others measured, name to NDCG@10, for orientation only.
    path : Path
        The YAML file.
    measured_with : dict
        Processor and package versions of the last ``--update``.
    expected : dict
        Figures by group, see `Figures`; empty before the first ``--update``.
    """

    name: str
    about: str
    licence: str
    split: str
    query_sets: dict[str, str]
    path: Path
    published: dict[str, float] = field(default_factory=dict)
    measured_with: dict[str, str] = field(default_factory=dict)
    expected: Figures = field(default_factory=dict)


def _read(path: Path) -> dict[str, Any]:
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise InvalidInputError(f"{path}: expected YAML, got {error}") from None
    if not isinstance(value, dict):
        raise InvalidInputError(f"{path}: expected a mapping, got {type(value).__name__}")
    return value


def _fields(
    path: Path, value: dict[str, Any], types: dict[str, type | tuple[type, ...]], optional: set[str]
) -> None:
    """Check names and types, naming the file and the field."""
    for key in sorted(value.keys() - types.keys()):
        raise InvalidInputError(f"{path}: field {key!r} is not known; known are {', '.join(types)}")
    for key, kind in types.items():
        if key not in value:
            if key in optional:
                continue
            raise InvalidInputError(f"{path}: field {key!r} is missing")
        if not isinstance(value[key], kind):
            kinds = kind if isinstance(kind, tuple) else (kind,)
            raise InvalidInputError(
                f"{path}: field {key!r}: expected {' or '.join(k.__name__ for k in kinds)}, "
                f"got {type(value[key]).__name__}"
            )


def load_settings(path: Path = HERE / "settings.yaml") -> Settings:
    """Read the settings shared by all collections.

    Parameters
    ----------
    path : Path
        The file; the one beside this module by default.

    Raises
    ------
    InvalidInputError
        A field is missing, unknown, of the wrong type, or names an unknown analyzer.
    """
    value = _read(path)
    number = (int, float)
    types = {
        "k1": number, "b": number, "embedder": str, "depth": int, "metrics": list, "headline": str,
        "stemmed": str, "analyzers": dict, "tolerances": dict, "requirements": dict,
    }  # fmt: skip
    _fields(path, value, types, set())
    for key in ("headline", "stemmed"):
        if value[key] not in value["analyzers"]:
            raise InvalidInputError(f"{path}: field {key!r}: {value[key]!r} is not among the analyzers")
    for group, tolerance in value["tolerances"].items():
        if not isinstance(tolerance, number) or tolerance < 0:
            raise InvalidInputError(f"{path}: tolerances.{group}: expected a number >= 0, got {tolerance!r}")
    for law, bound in value["requirements"].items():
        if not isinstance(bound, dict) or set(bound) != {"expected", "tolerance"}:
            raise InvalidInputError(f"{path}: requirements.{law}: expected the fields expected and tolerance")
    return Settings(**value)


def load_collection(path: Path) -> Collection:
    """Read one collection's file.

    Parameters
    ----------
    path : Path
        ``<name>.yaml``.

    Raises
    ------
    InvalidInputError
        A field is missing, unknown or of the wrong type, or the name is not the file's.
    """
    value = _read(path)
    types = {
        "name": str, "about": str, "licence": str, "split": str, "query_sets": dict, "published": dict,
        "measured_with": dict, "expected": dict,
    }  # fmt: skip
    _fields(path, value, types, {"published", "measured_with", "expected"})
    if value["name"] != path.stem:
        raise InvalidInputError(f"{path}: field 'name': expected {path.stem!r}, got {value['name']!r}")
    if not value["query_sets"]:
        raise InvalidInputError(f"{path}: field 'query_sets': expected at least one")
    return Collection(path=path, **value)


def load_collections(folder: Path = HERE) -> list[Collection]:
    """Read every collection's file of a folder, ordered by name.

    Parameters
    ----------
    folder : Path
        Where the files are; ``settings.yaml`` in it is not a collection.
    """
    return [load_collection(path) for path in sorted(folder.glob("*.yaml")) if path.name != "settings.yaml"]


def _scalar(value: Any) -> str:
    if isinstance(value, float):
        text = repr(round(value, 8) + 0.0)
        # YAML 1.1 reads 1e-06 as a string: the mantissa needs a point.
        return re.sub(r"^(-?\d+)e", r"\1.0e", text)
    if isinstance(value, int):
        return str(value)
    return yaml.safe_dump(str(value), default_flow_style=True, width=10_000).removesuffix("...\n").strip()


def _lines(value: Figures, depth: int) -> list[str]:
    indent = "  " * depth
    if all(not isinstance(leaf, dict) for leaf in value.values()) and depth > 2:
        return [indent + "{ " + ", ".join(f"{key}: {_scalar(leaf)}" for key, leaf in value.items()) + " }"]
    lines = []
    for key, leaf in value.items():
        if leaf == {}:
            lines.append(f"{indent}{key}: {{}}")
        elif isinstance(leaf, dict):
            below = _lines(leaf, depth + 1)
            if len(below) == 1 and below[0].lstrip().startswith("{"):
                lines.append(f"{indent}{key}: {below[0].lstrip()}")
            else:
                lines += [f"{indent}{key}:", *below]
        else:
            lines.append(f"{indent}{key}: {_scalar(leaf)}")
    return lines


def write_expected(path: Path, figures: Figures, measured_with: dict[str, str]) -> None:
    """Replace the generated part of a collection's file; the part written by hand stays byte for byte.

    Parameters
    ----------
    path : Path
        ``<name>.yaml``.
    figures : dict
        See `Figures`. Equal figures give equal bytes.
    measured_with : dict
        What the figures may depend on: processor and package versions.
    """
    hand = path.read_text(encoding="utf-8").split(MARK)[0].rstrip("\n") + "\n\n"
    generated = _lines({"measured_with": measured_with, "expected": figures}, 0)
    text = hand + MARK + "\n".join(generated) + "\n"
    path.write_text(text, encoding="utf-8")
