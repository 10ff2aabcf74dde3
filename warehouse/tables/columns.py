"""The MetaData that all tables share, and short constructors for columns that say what they hold.

Types: `_at` are naive UTC timestamps with microseconds, `_date` UTC dates, counts and bytes 64-bit integers,
ratios and seconds doubles. Every column carries a comment: the same text goes to PostgreSQL, to
`column_definitions` and to docs/tables.md, so there is no second place where a column could be explained
differently.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Float, MetaData, Table, Text
from sqlalchemy.types import TypeEngine

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)


def table(name: str, *items: Any, comment: str, **info: Any) -> Table:
    """Declare a table of the warehouse.

    SQLite keeps it as one b-tree in key order (no hidden row id): loads arrive in key order, so they
    append. `info` may name `date_column` (its month names the published file), or say `is_small` (one
    published file).
    """
    return Table(name, metadata, *items, comment=comment, info=info, sqlite_with_rowid=False)


def text_key(name: str, comment: str, **more: Any) -> Column[Any]:
    return _column(name, Text(), comment, key=True, **more)


def int_key(name: str, comment: str) -> Column[Any]:
    return _column(name, BigInteger(), comment, key=True)


def date_key(name: str, comment: str) -> Column[Any]:
    return _column(name, Date(), comment, key=True)


def at_key(name: str, comment: str) -> Column[Any]:
    return _column(name, DateTime(), comment, key=True)


def flag_key(name: str, comment: str) -> Column[Any]:
    return _column(name, Boolean(), comment, key=True)


def text(name: str, comment: str, *, null: bool = False, **more: Any) -> Column[Any]:
    return _column(name, Text(), comment, null=null, **more)


def integer(name: str, comment: str, *, null: bool = False, **more: Any) -> Column[Any]:
    return _column(name, BigInteger(), comment, null=null, **more)


def number(name: str, comment: str, *, null: bool = False, **more: Any) -> Column[Any]:
    return _column(name, Float(53), comment, null=null, **more)


def flag(name: str, comment: str, *, null: bool = False, **more: Any) -> Column[Any]:
    return _column(name, Boolean(), comment, null=null, **more)


def at(name: str, comment: str, *, null: bool = False, **more: Any) -> Column[Any]:
    return _column(name, DateTime(), comment, null=null, **more)


def date(name: str, comment: str, *, null: bool = False, **more: Any) -> Column[Any]:
    return _column(name, Date(), comment, null=null, **more)


def _column(
    name: str, kind: TypeEngine[Any], comment: str, *, key: bool = False, null: bool = False, **more: Any
) -> Column[Any]:
    arguments = more.pop("references", None)
    extra = () if arguments is None else (arguments,)
    # No key here is made by a database, and a lone integer key would otherwise be taken for one that is.
    return Column(
        name,
        kind,
        *extra,
        primary_key=key,
        nullable=null and not key,
        autoincrement=False,
        comment=comment,
        **more,
    )
