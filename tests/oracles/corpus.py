"""A slow, plain reader of JSON Lines and a slow id table: what the fast ones are compared with."""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

MASK = 2**64 - 1


@dataclass
class Read:
    """What the plain reader has seen."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    first_bad_line: int | None = None
    blank: int = 0


def read_jsonl(data: bytes) -> Read:
    """Read ``{"id", "title"?, "text"}`` lines one at a time, leaving bad ones out. No metadata."""
    result = Read()
    seen: set[str] = set()
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not line and number == data.count(b"\n") + 1:
            break
        verdict = judge(line, seen)
        if verdict == "blank":
            result.blank += 1
        elif isinstance(verdict, str):
            result.skipped[verdict] += 1
            result.first_bad_line = result.first_bad_line or number
        else:
            seen.add(verdict["id"])
            result.rows.append(verdict)
    return result


def judge(line: bytes, seen: set[str]) -> dict[str, str] | str:
    """Return the row of a line, or why there is none."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return "bad-utf8"
    if text.strip() == "":
        return "blank"
    repeated: list[bool] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        repeated.append(len({name for name, _ in items}) < len(items))
        return dict(items)

    try:
        row = json.loads(text, object_pairs_hook=pairs)
    except ValueError:
        return "invalid-json"
    if any(repeated):
        return "repeated-field"
    if not isinstance(row, dict):
        return "not-an-object"
    return fields(row, seen)


def fields(row: dict[str, Any], seen: set[str]) -> dict[str, str] | str:
    id_, text, title = row.get("id"), row.get("text"), row.get("title")
    if type(id_) is int:
        id_ = str(id_)
    # In this order: the first that holds is the reason.
    reasons = [
        ("missing-id", id_ is None),
        ("id-type", not isinstance(id_, str)),
        ("empty-id", id_ == ""),
        ("lone-surrogate", has_surrogate(id_)),
        ("missing-text", text is None),
        ("text-type", not isinstance(text, str)),
        ("lone-surrogate", has_surrogate(text)),
        ("title-type", not isinstance(title, str | None)),
        ("lone-surrogate", has_surrogate(title)),
        ("duplicate-id", isinstance(id_, str) and id_ in seen),
    ]
    for reason, holds in reasons:
        if holds:
            return reason
    return {"id": str(id_), "title": title or "", "text": str(text)}


def has_surrogate(text: object) -> bool:
    return isinstance(text, str) and any(0xD800 <= ord(character) <= 0xDFFF for character in text)


def hash64(text: str) -> int:
    """Return the id hash as docs/storage.md defines it."""
    data = text.encode()
    h = (len(data) * 0x9E3779B97F4A7C15 + 0xFF51AFD7ED558CCD) & MASK
    data += b"\0" * (-len(data) % 8)
    for i in range(0, len(data), 8):
        word = sum(byte << (8 * j) for j, byte in enumerate(data[i : i + 8]))
        h = ((h ^ word) * 0xFF51AFD7ED558CCD + 0x9E3779B97F4A7C15) & MASK
        h = finish(h, 0xC4CEB9FE1A85EC53)
    return finish(h, 0xFF51AFD7ED558CCD)


def finish(h: int, multiplier: int) -> int:
    h ^= h >> 29
    h = h * multiplier & MASK
    return h ^ (h >> 32)
