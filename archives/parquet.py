"""Parquet files of which every value comes back as it was.

Whole numbers and booleans are kept as such, everything else as the text that PostgreSQL writes and reads: only so do
`infinity`, a numeric of 40 digits, a network address and the spelling of a JSON number come back as they were.  The
type of each column in PostgreSQL's words is with the column.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, Final

import pyarrow as pa
from pyarrow import parquet as pq

from .errors import ArchiveDamaged
from .rows import Column, Row

_TYPE: Final = b"postgresql_type"
_FACT: Final = "minimcp."
_KEPT_AS: Final = {
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "boolean": pa.bool_(),
}


def write(file: BinaryIO, columns: Sequence[Column], facts: Mapping[str, str], pages: Iterable[Sequence[Row]]) -> None:
    """Write pages of rows, each as a row group: no more than one is in memory."""
    schema = pa.schema(
        [pa.field(column.name, _kept_as(column), metadata={_TYPE: column.type}) for column in columns],
        metadata={f"{_FACT}{name}": value for name, value in facts.items()},
    )
    writer = pq.ParquetWriter(file, schema, compression="zstd")
    try:
        for page in pages:
            if page:
                writer.write_table(_table(page, schema), row_group_size=len(page))
        writer.close()
    finally:
        # What failed must not be closed once more by whoever collects it.
        writer.is_open = False


class Archive:
    """A file of `write`, read page by page."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        """Read what the file says of itself."""
        self._name = name
        with self._intact():
            self._parquet = pq.ParquetFile(file, memory_map=False)
            schema = self._parquet.schema_arrow
            self.columns = [Column(field.name, field.metadata[_TYPE].decode()) for field in schema]
            told = {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()}
        self.facts = {key.removeprefix(_FACT): value for key, value in told.items() if key.startswith(_FACT)}

    @property
    def rows(self) -> int:
        """How many rows the file says that it has."""
        return int(self._parquet.metadata.num_rows)

    def pages(self) -> Iterator[list[Row]]:
        """Give the rows as they were written, a row group at a time."""
        for number in range(self._parquet.num_row_groups):
            with self._intact():
                table = self._parquet.read_row_group(number)
                texts = [column.cast(pa.large_string()).to_pylist() for column in table.columns]
            yield list(zip(*texts, strict=True)) if texts else [()] * table.num_rows

    @contextmanager
    def _intact(self) -> Iterator[None]:
        try:
            yield
        except (pa.ArrowException, KeyError, OSError, TypeError, UnicodeDecodeError) as error:
            # Arrow raises what it cannot make sense of as an OSError too, then without the number of one.
            if isinstance(error, OSError) and (error.errno is not None or "AWS Error" in str(error)):
                raise
            reason = " ".join(str(error).split())[:200].rstrip(".")
            raise ArchiveDamaged(f"{self._name} is not a file of ours any more ({reason}).") from None


def _kept_as(column: Column) -> object:
    return _KEPT_AS.get(column.type, pa.large_string())


def _table(page: Sequence[Row], schema: Iterable[Any]) -> object:
    texts = zip(*page, strict=True)
    arrays = [pa.array(values, pa.large_string()).cast(field.type) for values, field in zip(texts, schema, strict=True)]
    return pa.table(arrays, schema=schema)
