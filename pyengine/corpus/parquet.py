"""Parquet files, read row group by row group."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from pyengine.corpus.batching import halves
from pyengine.corpus.idfile import refused
from pyengine.corpus.report import Tally
from pyengine.corpus.rows import Chunk
from pyengine.corpus.schema import Fields
from pyengine.corpus.tables import TableChecker, guarded
from pyengine.errors import InvalidInputError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ParquetFiles"]

# Read, not mapped: the pages of a mapped file count as the process's memory, and a limit on its addresses
# (containers, ulimit -v) refuses a file that is larger. With a buffer a column chunk is streamed.
_BUFFER: Final = 1 << 20


class ParquetFiles:
    """Reads Parquet files row group by row group, only the columns that are needed.

    Parameters
    ----------
    paths : sequence of Path
        The files, read in this order as one corpus.
    fields : Fields
        Names of the input columns.
    """

    one_shot: Final = False
    unit: Final[Literal["line", "row"]] = "row"

    def __init__(self, paths: Sequence[Path], fields: Fields) -> None:
        import pyarrow as pa

        self._paths = tuple(paths)
        self._fields = fields
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        self.name = f"{paths[0]}{more}"
        self.rows_hint = 0
        self._schema: pa.Schema | None = None
        for path in self._paths:
            file = _open(path)
            self.rows_hint += file.metadata.num_rows
            needed = [field for field in file.schema_arrow if fields.needs(field.name)]
            self._schema = _unified(self._schema, pa.schema(needed), path)
            file.close()

    @property
    def schema(self) -> "pa.Schema":
        """Columns of the corpus."""
        return self._checker.schema

    @cached_property
    def _checker(self) -> "TableChecker":
        return TableChecker(self._schema, self._fields, self.name)

    def chunks(self, tally: Tally, max_rows: int, max_bytes: int) -> Iterator[Chunk]:
        """Yield the rows of all files, checked but for repeated ids.

        Parameters
        ----------
        tally : Tally
            Counts the pass.
        max_rows, max_bytes : int
            Size of a chunk, about.
        """
        checker = self._checker
        ordinal = 0
        for path in self._paths:
            tally.origin.begin(str(path), ordinal)
            file = _open(path)
            names = [name for name in checker.columns if name in file.schema_arrow.names]
            try:
                for group in range(file.num_row_groups):
                    rows = min(max_rows, _rows_within(file.metadata.row_group(group), max_bytes))
                    batches = file.iter_batches(batch_size=rows, row_groups=[group], columns=names)
                    for batch in guarded(batches, tally.origin, ordinal):
                        for part in halves(batch, max_rows, max_bytes):
                            yield checker.check(part, ordinal)
                            ordinal += part.num_rows
            finally:
                file.close()


def _unified(schema: Any, other: Any, path: Path) -> Any:
    import pyarrow as pa

    if schema is None:
        return other
    try:
        return pa.unify_schemas([schema, other], promote_options="permissive")
    except pa.ArrowException as error:
        for field in other:
            if field.name in schema.names:
                try:
                    pa.unify_schemas(
                        [pa.schema([schema.field(field.name)]), pa.schema([field])],
                        promote_options="permissive",
                    )
                except pa.ArrowException:
                    raise InvalidInputError(
                        f"{path}: column {field.name!r}: expected {schema.field(field.name).type} as in the "
                        "files "
                        f"before, got {field.type}; write the files with one schema, or leave the column "
                        "out of "
                        "metadata=[...]"
                    ) from error
        raise InvalidInputError(f"{path}: the schema differs from the files before: {error}") from error


def _open(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet

    try:
        return pyarrow.parquet.ParquetFile(path, buffer_size=_BUFFER)
    except OSError as error:
        if error.errno is not None:
            raise refused(path, error) from error
        raise InvalidInputError(f"{path}: expected a Parquet file, got a damaged one ({error})") from error
    except pa.ArrowException as error:
        raise InvalidInputError(f"{path}: expected a Parquet file, got something else ({error})") from error


def _rows_within(group: Any, max_bytes: int) -> int:
    """Return how many rows of a row group take about ``max_bytes`` decoded."""
    per_row = group.total_byte_size / max(group.num_rows, 1)
    return max(1, int(max_bytes / max(per_row, 1)))
