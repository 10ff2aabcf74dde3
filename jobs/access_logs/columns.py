"""A column as its distinct values and, for each row, which of them it has: to decide once for each value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Codes = npt.NDArray[np.int64]

# Up to this many possible codes a table of all of them is quicker than sorting the rows.
_TABLE_SIZE = 1 << 22


@dataclass(frozen=True)
class Encoded:
    """``values[codes[i]]`` is row i; the code after the last value means NULL."""

    values: pa.StringArray  # distinct, without NULLs
    codes: Codes

    def of_values(self, decided: pa.Array) -> pa.Array:
        """Give each row what was decided for its value; NULL for NULL."""
        return decided.take(pa.array(self.codes, mask=self.codes == len(self.values)))

    def words(self, decided: list[str | None] | pa.StringArray) -> pa.DictionaryArray:
        """Give each row the word decided for its value, dictionary-encoded; NULL for NULL."""
        words = pa.array(decided, pa.string()).dictionary_encode()
        return pa.DictionaryArray.from_arrays(self.of_values(words.indices), words.dictionary)


def encoded(table: pa.Table, name: str) -> Encoded:
    """Encode a text column, plain or dictionary, in any chunks. A column that is not there is all NULL."""
    if name not in table.column_names:
        return Encoded(pa.array([], pa.string()), np.zeros(len(table), dtype=np.int64))
    column = whole(table[name])
    is_dictionary = pa.types.is_dictionary(column.type)
    if not is_dictionary:
        column = column.cast(pa.string()).dictionary_encode()
    values, size = column.dictionary.cast(pa.string()), len(column.dictionary)
    codes = column.indices.fill_null(size).to_numpy(zero_copy_only=False).astype(np.int64)
    if not is_dictionary:
        return Encoded(values, codes)
    # A batch cut from a large table brings the whole table's dictionary along: only what rows have is
    # decided. A dictionary may hold NULL, and the same value twice.
    used, codes = distinct(codes, size + 1)
    found = values.take(pa.array(used, mask=used == size)).dictionary_encode()
    place = found.indices.fill_null(len(found.dictionary)).to_numpy(zero_copy_only=False).astype(np.int64)
    return Encoded(found.dictionary, place[codes])


def distinct(codes: Codes, size: int) -> tuple[Codes, Codes]:
    """Give the codes below ``size`` that occur, in order, and for each row its code's place among them."""
    if size > _TABLE_SIZE:
        present, places = np.unique(codes, return_inverse=True)
        return present, places.reshape(-1)
    seen = np.zeros(size, dtype=np.bool_)
    seen[codes] = True
    return np.flatnonzero(seen), (np.cumsum(seen) - 1)[codes]


def whole(column: pa.ChunkedArray) -> pa.Array:
    """Join a column's chunks, with one dictionary for all of them."""
    if column.num_chunks == 1:
        return column.chunk(0)
    joined = column.unify_dictionaries().combine_chunks()
    return pa.concat_arrays(joined.chunks) if isinstance(joined, pa.ChunkedArray) else joined
