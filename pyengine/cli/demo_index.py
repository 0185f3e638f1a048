"""The demo's folder: the collection, the index over it, and a note that says what they were made from."""

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyengine import __version__
from pyengine.cli.build import build_engine
from pyengine.cli.options import BuildSettings
from pyengine.cli.sources import read_corpus
from pyengine.cli.stdlib_collection import StdlibCollection
from pyengine.errors import InvalidInputError

if TYPE_CHECKING:
    from pyengine.engine import Engine

__all__ = ["LANGUAGE", "DemoFolder", "DemoSettings"]

LANGUAGE = "english"
"""Of the docstrings: its stemmer and its stop words are used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSettings:
    """What a demo is made from; two demos of equal settings are the same.

    Parameters
    ----------
    python : str
        Version of the Python whose library is the collection.
    size : int or None
        Documents of the sample; None for all.
    embedder : str
        As ``--embedder`` gives it.
    pyengine : str
        Version that made it.
    """

    python: str
    size: int | None
    embedder: str
    pyengine: str = __version__


@dataclass(frozen=True, slots=True)
class DemoFolder:
    """A folder of ``demo.json``, ``collection/`` and ``index/``.

    Parameters
    ----------
    path : Path
        The folder.
    """

    path: Path

    @property
    def index(self) -> Path:
        """Folder of the index."""
        return self.path / "index"

    @property
    def collection(self) -> Path:
        """Folder of the collection, in BEIR format."""
        return self.path / "collection"

    @property
    def _note(self) -> Path:
        return self.path / "demo.json"

    def saved_report(self, settings: DemoSettings) -> dict[str, Any] | None:
        """Return the collection's report if the folder holds a finished demo of these settings, else None."""
        note = self._read_note()
        if note is None or not note.get("finished") or note.get("settings") != asdict(settings):
            return None
        report = note.get("report")
        return report if isinstance(report, dict) else None

    def prepare(self, settings: DemoSettings) -> None:
        """Make room for a new demo: sign the folder, then remove what an earlier one left.

        Raises
        ------
        InvalidInputError
            The folder holds something no demo wrote.
        """
        if self.path.exists() and self._read_note() is None and any(self.path.iterdir()):
            raise InvalidInputError(
                f"--dir: {self.path} is not empty and no demo wrote it; choose another folder"
            )
        self.path.mkdir(parents=True, exist_ok=True)
        # Signed first: a demo that is interrupted leaves a folder that the next one may clear.
        self._write_note({"finished": False, "settings": asdict(settings)})
        for folder in (self.index, self.collection):
            if folder.exists():
                shutil.rmtree(folder)

    def build(self, collection: StdlibCollection, settings: DemoSettings) -> "Engine":
        """Write the collection, index it and return the engine."""
        collection.write_beir(self.collection)
        build = BuildSettings(
            embedder=settings.embedder,
            preset="domain",
            # The queries are English sentences, and the comparisons around this project are made so.
            stemmer=LANGUAGE,
            stopwords=LANGUAGE,
            k1=1.5,
            b=0.75,
            on_error="raise",
        )
        engine = build_engine(self.index, read_corpus(self.collection), build)
        self._write_note(
            {"finished": True, "settings": asdict(settings), "report": collection.report.to_json()}
        )
        return engine

    def _read_note(self) -> dict[str, Any] | None:
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return note if isinstance(note, dict) else None

    def _write_note(self, note: dict[str, Any]) -> None:
        self._note.write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8")
