"""The results that the repository keeps, and the blocks of its pages that are made from them."""

import json
from pathlib import Path
from typing import Any

from bench.peers.lexical.tables import headline, render
from bench.peers.lexical.targets import targets

__all__ = ["ROOT", "pages"]

ROOT = Path(__file__).parents[3]
RESULTS = Path(__file__).with_name("results")


def result(name: str) -> dict[str, Any]:
    """Read one result."""
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def pages() -> dict[str, dict[str, str]]:
    """Return the generated blocks by page and marker."""
    short, passages = result("w1"), result("w2")
    larger = [result(name)["own"] for name in ("w2-4m", "w2-10m")]
    return {
        "README.md": {"peers": headline([short, passages]) + "\n"},
        "docs/performance.md": {
            "peers:w1:targets": targets(short) + "\n",
            "peers:w2:targets": targets(passages, larger) + "\n",
            "peers:w1": render(short),
            "peers:w2": render(passages),
            "peers:w1:slow": render(result("w1-slow")),
        },
    }
