"""Take the models' Spark SQL to other engines, and hold which of its functions may be used.

Engines differ silently (a cast that rounds or cuts, a division into decimals, dates that become
timestamps), so models use only what is listed here. Each function has a probe: an expression and the value
that every engine must give for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import sqlglot
from sqlglot import exp

# Read as `spark`, sqlglot makes casts into TRY_CAST and divisions into NULLIF, which is not ANSI.
SOURCE_DIALECT = "databricks"


@dataclass(frozen=True)
class Probe:
    """An expression over constants, and the value that every engine must give for it."""

    expression: str
    expected: object


_FOUR = (
    "(select 1 as n, 'a' as t union all select 2, 'b' union all select 2, null union all select 4, 'a') as v"
)
_BY_T = "over (partition by t order by n)"
_SUMMED = (
    "cast(sum(n) over (partition by t order by n rows between unbounded preceding and current row) as bigint)"
)
_COUNTED_UP = "count(t) over (order by n, t rows between unbounded preceding and current row)"
_COUNTED_DOWN = "count(t) over (order by n, t rows between current row and unbounded following)"
_NUMBERED = f"(select n, row_number() over (order by n desc) as i from {_FOUR}) as w"
_NULLS_FIRST = f"(select n, row_number() over (order by t, n) as i from {_FOUR}) as w"

ALLOWED: dict[str, tuple[Probe, ...]] = {
    "CASE": (
        Probe("select case when cast(null as boolean) then 1 when 2 > 1 then 2 end", 2),
        Probe("select case 3 when 1 then 1 end", None),
    ),
    "CAST": (
        Probe("select cast(9007199254740993 as string)", "9007199254740993"),
        Probe("select cast(-7 as double) / 2", -3.5),
        Probe("select cast(true as string)", "true"),
        Probe("select cast(null as int)", None),
    ),
    "COALESCE": (Probe("select coalesce(null, 'x')", "x"),),
    "CONCAT": (
        Probe("select concat('a', ' ', 'ü')", "a ü"),
        Probe("select concat('a', cast(null as string))", None),
    ),
    "COUNT": (
        Probe(f"select count(*) from {_FOUR}", 4),
        Probe(f"select count(t) from {_FOUR}", 3),
        Probe(f"select count(distinct t) from {_FOUR}", 2),
        Probe(f"select max(c) from (select {_COUNTED_UP} as c from {_FOUR}) as v", 3),
        Probe(f"select max(n * 10 + c) from (select n, {_COUNTED_DOWN} as c from {_FOUR}) as v", 41),
    ),
    "EXPLODE": (Probe("select max(m) from (select explode(sequence(3, 5)) as m) as v", 5),),
    "GREATEST": (Probe("select greatest(3, -4)", 3),),
    "LAG": (Probe(f"select max(p) from (select lag(n) {_BY_T} as p from {_FOUR}) as w", 1),),
    "LEAD": (Probe(f"select max(p) from (select lead(n) {_BY_T} as p from {_FOUR}) as w", 4),),
    "LEAST": (Probe("select least(3, -4)", -4),),
    "MAX": (
        Probe(f"select max(t) from {_FOUR}", "b"),
        Probe("select max(b) from (select true as b) as v", True),
    ),
    "MD5": (Probe("select md5('ü')", "c03410a5204b21cd8229ff754688d743"),),
    "MIN": (Probe(f"select min(case when n > 1 then n end) from {_FOUR}", 2),),
    "ROW_NUMBER": (
        Probe(f"select n from {_NUMBERED} where i = 1", 4),
        Probe(f"select n from {_NULLS_FIRST} where i = 1", 2),
    ),
    "SEQUENCE": (
        Probe("select count(*) from (select explode(sequence(4, 4)) as m) as v", 1),
        Probe("select min(m) from (select explode(sequence(-1, 1)) as m) as v", -1),
    ),
    "SUM": (
        Probe(f"select cast(sum(n) as bigint) from {_FOUR}", 9),
        Probe(f"select cast(sum(n) as bigint) from {_FOUR} where n > 9", None),
        Probe(f"select max(s) from (select {_SUMMED} as s from {_FOUR}) as w", 5),
    ),
}
"""Functions that models may use, by sqlglot's name, each with its probes."""

OPERATORS: tuple[Probe, ...] = (
    Probe("select 7 div 2", 3),
    Probe("select 1790856000123456 div 86400000000", 20727),
    Probe("select 9223372036854775807 div 2", 4611686018427387903),
    Probe("select cast(2 as bigint) * 86400000000", 172800000000),
    Probe("select cast(1 as double) / cast(3 as double)", 1 / 3),
    Probe("select cast(1834567 as double) / 1000", 1834.567),
    Probe("select cast(null as boolean) and false", False),
    Probe("select cast(null as boolean) or true", True),
    Probe("select 3 between 2 and 3", True),
    Probe("select not (1 = 2) and null is null", True),
    Probe("select 'a' < 'B'", False),  # by bytes
    Probe(
        f"select count(*) from {_FOUR} left semi join (select 2 as m union all select 2) as w on v.n = w.m", 2
    ),
    Probe("select count(*) from (select 1 as n) as v full outer join (select 2 as m) as w on v.n = w.m", 2),
)
"""Operators and joins that models use, probed like the functions."""


@lru_cache(maxsize=256)
def translate(sql: str, dialect: str) -> str:
    """Translate one statement of Spark SQL. Parameters `:name` become the dialect's own.

    Names are quoted: `at`, `value` and others are keywords somewhere.
    """
    return str(sqlglot.transpile(sql, read=SOURCE_DIALECT, write=dialect, identify=True, comments=False)[0])


def functions(sql: str) -> set[str]:
    """Name the functions that a statement uses, as in ``ALLOWED``; unknown ones by their own name."""
    found = set()
    for node in sqlglot.parse_one(sql, read=SOURCE_DIALECT).find_all(exp.Func):
        if isinstance(node, exp.Connector) or (
            isinstance(node, exp.If) and isinstance(node.parent, exp.Case)
        ):
            continue  # parts of the language
        name = node.name.upper() if isinstance(node, exp.Anonymous) else node.sql_name()
        found.add("SEQUENCE" if name == "GENERATE_SERIES" else name)
    return found


def tables(sql: str) -> set[str]:
    """Name the tables that a statement reads, its own CTEs left out."""
    tree = sqlglot.parse_one(sql, read=SOURCE_DIALECT)
    own = {cte.alias for cte in tree.find_all(exp.CTE)}
    return {table.name for table in tree.find_all(exp.Table)} - own


@lru_cache(maxsize=256)
def columns(sql: str) -> tuple[str, ...]:
    """Name the columns that a statement gives, in order."""
    return tuple(sqlglot.parse_one(sql, read=SOURCE_DIALECT).named_selects)
