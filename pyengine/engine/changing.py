"""Changing an engine: the half of `Engine` that adds, deletes, commits and moves on."""

import logging
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from pyengine.config import FusionCalibration, FusionConfig, FusionMethod, FusionRecord
from pyengine.engine.building import Progress, publish_settings
from pyengine.engine.calibrating import KNOWN_ITEMS, calibrate, still_holds
from pyengine.engine.fusing import check_fusion
from pyengine.engine.merging import MergeAll, MergePolicy
from pyengine.engine.reembedding import reembed
from pyengine.engine.searching import Searching
from pyengine.engine.settings import EmbedderRecord, Settings
from pyengine.engine.writer import Transaction
from pyengine.errors import InvalidInputError
from pyengine.store import Store
from pyengine.types import Embedder

if TYPE_CHECKING:
    import pyarrow.compute as pc

    from pyengine.corpus import Corpus

__all__ = ["Changing"]

_logger = logging.getLogger(__name__)


class Changing(Searching):
    """What stages changes and publishes them; see `Engine`, its one subclass."""

    _store: Store
    _policy: MergePolicy | None
    _transaction: Transaction | None

    @property
    @abstractmethod
    def generation(self) -> int:
        """Number of the generation that searches see; each commit adds one."""

    def add(
        self,
        documents: "Corpus | Iterable[Mapping[str, Any]] | Any",
        *,
        progress: Progress | None = None,
    ) -> int:
        """Stage documents for the next `commit`; streaming, so they need not fit in memory.

        Documents are checked, written beside the index and embedded now; searches see them after `commit`.
        A failed call stages nothing and leaves earlier calls' documents staged.

        Parameters
        ----------
        documents : Corpus, iterable of dict, or Arrow table or reader
            Dicts hold ``id`` and ``text``, optionally ``title``, and any metadata; in an index made with
            ``Chunker.given()`` also ``spans``.
        progress : callable, optional
            Called with (documents done, None).

        Returns
        -------
        int
            Number of documents staged by this call.

        Raises
        ------
        InvalidInputError
            A bad row, a duplicate id (in the input, staged or committed), a metadata column of another type
            than before, or one named like a column of chunks. The message says where and what to do.
        LockedError
            Another writer holds the directory.
        StorageError
            The system refused, for example because the disk is full.
        """
        return self._writing().add(documents, progress=progress)

    def update(
        self,
        documents: "Corpus | Iterable[Mapping[str, Any]] | Any",
        *,
        progress: Progress | None = None,
    ) -> int:
        """Stage documents in the place of those with the same ids; ids that are new are added.

        An updated document gets a new row, behind those added before, and a new vector. As with `add`, a
        failed call changes nothing, and searches see the change after `commit`.

        Parameters
        ----------
        documents, progress
            As in `add`.

        Returns
        -------
        int
            How many documents were replaced.

        Raises
        ------
        InvalidInputError
            A bad row, an id that comes twice in the input, or a metadata column of another type than before.
        LockedError, StorageError
            As in `add`.
        """
        return self._writing().update(documents, progress=progress)[1]

    def delete(
        self,
        ids: "Iterable[str] | None" = None,
        *,
        filter: "str | pc.Expression | None" = None,
        missing_ok: bool = False,
    ) -> int:
        """Leave documents out of the next generation, committed ones and those staged before this call.

        After `commit` nothing shows that they were there: statistics, scores, rows and ties are those of an
        index built from the documents left, in their order.

        Parameters
        ----------
        ids : iterable of str, optional
            Their ids.
        filter : str or pyarrow.compute.Expression, optional
            In place of ids: all documents that it admits, as in `search`; in a chunked index, all of which
            it admits a chunk.
        missing_ok : bool
            Pass over ids that no document has; by default they are an error and nothing is deleted.

        Returns
        -------
        int
            How many documents were deleted.

        Raises
        ------
        InvalidInputError
            Both of ``ids`` and ``filter`` or neither, an id that is no text, or a filter that does not fit.
        NotFoundError
            No document has one of the ids.
        LockedError
            Another writer holds the directory.
        """
        if (ids is None) == (filter is None):
            raise InvalidInputError("delete: expected ids or filter=, one of the two")
        if ids is None:
            return self._writing().delete_matching(filter)
        if isinstance(ids, str):
            raise InvalidInputError(f"ids: expected an iterable of ids, got one str; pass [{ids!r}]")
        return self._writing().delete(list(ids), missing_ok=missing_ok)

    def refresh(self) -> int:
        """Move on to the newest generation, which another engine or process may have committed.

        Searches that run meanwhile finish on the generation they began with. Milliseconds, as `open`.

        Returns
        -------
        int
            The generation that searches see now.

        Raises
        ------
        InvalidInputError
            Something is staged: commit it or roll it back first.
        CorruptIndexError, StorageError
            As in `open`; the engine stays on its generation.
        IncompatibleIndexError
            The newest generation was made with another embedder than the one this engine was given.
        """
        self._check_open()
        if self._transaction is not None:
            raise InvalidInputError("refresh: documents are staged; commit them or roll them back first")
        self._store.refresh()
        if self._store.generation != self._snapshot.generation:
            self._snapshot = self._snapshot.next(self._store)
        return self.generation

    def commit(
        self, *, n_threads: int = 1, memory_mb: int | None = None, progress: Progress | None = None
    ) -> int:
        """Publish everything staged as the next generation, all or nothing, and search it from now on.

        Staged documents become a segment; of committed ones only what was deleted is written down. Unless
        ``auto_compact=False`` was said when the engine was opened, segments that the merge policy names are
        brought together in the same call. On failure the last generation stays in force and what was staged
        stays staged, so that the call can be repeated.

        An index that searches by the fusion "auto" is measured as `calibrate_fusion` does it, in a generation
        of its own, with the first documents and whenever what is known no longer holds. If the embedder or
        another writer is in the way, the documents are published all the same and a warning is logged.

        Parameters
        ----------
        n_threads : int, 1 to 1024
            Threads that share the lexical build; the index is the same bytes for any number.
        memory_mb : int, >= 64, optional
            Bound on the memory of the lexical build, as in `Bm25Index.build`; sorted runs go to a file in the
            index's directory.
        progress : callable, optional
            Called with (documents indexed, documents in all).

        Returns
        -------
        int
            The generation now in force; the same as before if nothing was staged.

        Raises
        ------
        InvalidInputError
            ``n_threads`` or ``memory_mb`` is out of range.
        StorageError
            The system refused, for example because the disk is full.
        """
        self._check_open()
        if self._transaction is not None and not self._transaction.empty:
            self._publish(
                self._transaction, self._policy, n_threads=n_threads, memory_mb=memory_mb, progress=progress
            )
        self.rollback()
        self._measure_if_due()
        return self.generation

    def compact(
        self, *, n_threads: int = 1, memory_mb: int | None = None, progress: Progress | None = None
    ) -> int:
        """Write all documents anew as one segment without what was deleted, and publish it.

        The answers stay what they are; searches get faster and the space of deleted documents is freed, once
        no reader holds the generations before. Costs what building the index from text costs, but for the
        vectors, which are kept.

        Parameters
        ----------
        n_threads, memory_mb, progress
            As in `commit`.

        Returns
        -------
        int
            The generation now in force; the same as before if the index was compact.

        Raises
        ------
        InvalidInputError
            Something is staged: commit it or roll it back first.
        LockedError
            Another writer holds the directory.
        StorageError
            The system refused.
        """
        self._check_open()
        if self._transaction is not None:
            raise InvalidInputError("compact: changes are staged; commit them or roll them back first")
        segments = self._snapshot.segments
        # Written before there were positions: phrases are looked up once it is written anew.
        old = self._snapshot.settings.phrases and not self._snapshot.has_positions
        if old or len(segments) > 1 or segments[0].entry.deleted:
            try:
                self._publish(
                    self._writing(),
                    MergeAll(anew=old),
                    n_threads=n_threads,
                    memory_mb=memory_mb,
                    progress=progress,
                )
            finally:
                self.rollback()
        return self.generation

    def reembed(self, embedder: Embedder, *, progress: Progress | None = None) -> int:
        """Publish a generation with the same documents and the vectors of another embedder.

        An index without vectors gets some. One that searches by the fusion "auto" is measured, as by
        `commit`. Readers stay on their generation, old vectors and all, until they `refresh`. A call that was
        interrupted or killed goes on where it was when it is made again.

        Parameters
        ----------
        embedder : Embedder
            The new one; this engine searches with it from now on.
        progress : callable, optional
            Called with (documents done, documents in all).

        Returns
        -------
        int
            The generation now in force; the same as before if its vectors are of this embedder already.

        Raises
        ------
        InvalidInputError
            Something is staged, or ``embedder`` does not keep the protocol.
        BackendError
            The embedder returned what is no vector.
        LockedError
            Another writer holds the directory.
        StorageError
            The system refused; what was embedded so far is kept for the next call.
        """
        self._check_open()
        if self._transaction is not None:
            raise InvalidInputError("reembed: changes are staged; commit them or roll them back first")
        known = self._snapshot.settings.embedder
        if known is None or known.fingerprint != EmbedderRecord.of(embedder).fingerprint:
            reembed(self._store, self._snapshot, embedder, progress)
            self._snapshot = self._snapshot.next(self._store, given=embedder)
        self._measure_if_due()
        return self.generation

    def calibrate_fusion(self, samples: int = KNOWN_ITEMS) -> FusionCalibration:
        """Measure what the fusion "auto" needs to know, and publish it with the index as a new generation.

        Documents are looked for by six of their words in both branches; no judgements are needed. It holds
        until the collection has doubled or halved, or has other vectors. `commit` and `set_fusion` call this
        where an index searches by "auto". Without it the first search with "auto" measures the same and keeps
        it in memory.

        Parameters
        ----------
        samples : int, 2 or more
            Documents looked for. Costs as many short texts to embed.

        Raises
        ------
        InvalidInputError
            Something is staged, the index has no vectors, or ``samples`` is out of range.
        LockedError, StorageError
            As `commit`.
        """
        if isinstance(samples, bool) or not isinstance(samples, int) or samples < 2:
            raise InvalidInputError(f"samples: expected an int, 2 or more, got {samples!r}")
        self._check_no_changes()
        known = self._measured(samples)
        own = self._snapshot.own_fusion
        self._publish_settings(replace(self._snapshot.settings, calibration=known), own_fusion=own)
        return known

    def set_fusion(self, fusion: FusionConfig | FusionMethod, *, tuned: FusionRecord | None = None) -> int:
        """Publish a generation that searches by another fusion unless told otherwise; return its number.

        So does this engine, whatever fusion it was opened with. "auto" is measured now, as by
        `calibrate_fusion`, unless what is known of the collection holds.

        Parameters
        ----------
        fusion : FusionConfig, "rrf", "wrrf", "convex" or "auto"
            All settings, or the method with the other settings as they are.
        tuned : FusionRecord, optional
            Where they come from, for `info`; `tune_fusion` gives it. None: they were not measured.

        Raises
        ------
        InvalidInputError
            Something is staged, or ``fusion`` is neither.
        BackendError
            The embedder returned what is no vector.
        LockedError, StorageError
            As `commit`.
        """
        self._check_no_changes()
        settings = self._snapshot.settings
        settings = replace(settings, fusion=check_fusion(fusion, settings.fusion), tuned=tuned)
        if self._due(settings):
            settings = replace(settings, calibration=self._measured(KNOWN_ITEMS))
        self._publish_settings(settings)
        return self.generation

    def _check_no_changes(self) -> None:
        self._check_open()
        if self._transaction is not None:
            raise InvalidInputError("fusion: changes are staged; commit them or roll them back first")

    def _due(self, settings: Settings) -> bool:
        """Whether an index with these settings searches by "auto" and what that needs is not known."""
        snapshot = self._snapshot
        known = settings.calibration
        return (
            settings.fusion.method == "auto"
            and settings.embedder is not None
            and len(snapshot.corpus) > 0
            and (known is None or not still_holds(known, snapshot))
        )

    def _measure_if_due(self) -> None:
        if self._due(self._snapshot.settings):
            try:
                self.calibrate_fusion()
            except Exception as error:  # whatever the caller's embedder raises: the documents are published
                _logger.warning("fusion auto was not measured, the first search with it will: %r", error)

    def _measured(self, samples: int) -> FusionCalibration:
        self._snapshot.require_dense()
        return calibrate(self._snapshot, self._embedder_of(self._snapshot), samples)

    def _publish_settings(self, settings: Settings, *, own_fusion: FusionConfig | None = None) -> None:
        """Publish a generation of the same files with other settings."""
        publish_settings(self._store, self._snapshot, settings)
        self._snapshot = replace(self._snapshot.next(self._store), own_fusion=own_fusion)

    def rollback(self) -> None:
        """Forget what was staged or deleted since the last commit, and let other writers in."""
        transaction, self._transaction = self._transaction, None
        if transaction is not None:
            transaction.close()

    def _publish(self, transaction: Transaction, policy: MergePolicy | None, **build: Any) -> None:
        transaction.commit(policy=policy, **build)
        self._snapshot = self._snapshot.next(self._store)

    def _writing(self) -> Transaction:
        self._check_open()
        if self._transaction is None:
            self._transaction = Transaction(
                self._store, self._snapshot, partial(self._embedder_of, self._snapshot)
            )
        return self._transaction
