"""What a user would write by hand instead: one DuckDB script that parses with read_csv and sessionises.

No other table, no check, nothing stored; a line with an unbalanced quote can swallow the next ones.
    python -m benchmarks.by_hand LOG...
"""

from __future__ import annotations

import sys

import duckdb

SCRIPT = """
with lines as (
    select
        column0 as host,
        strptime(column3, '[%d/%b/%Y:%H:%M:%S') - to_minutes(cast(
            cast(substr(column4, 1, 3) as integer) * 60 + cast(substr(column4, 4, 2) as integer) as integer
        )) as requested_at,
        column9 as user_agent
    from read_csv(
        $files, delim = ' ', quote = '"', escape = '\\', header = false, all_varchar = true,
        auto_detect = false, strict_mode = false, ignore_errors = true, null_padding = false,
        columns = {
            'column0': 'varchar', 'column1': 'varchar', 'column2': 'varchar', 'column3': 'varchar',
            'column4': 'varchar', 'column5': 'varchar', 'column6': 'varchar', 'column7': 'varchar',
            'column8': 'varchar', 'column9': 'varchar'
        }
    )
),
gaps as (
    select
        requested_at - lag(requested_at) over (partition by host, user_agent order by requested_at) as gap
    from lines
)
select count(*) as requests, count(*) filter (where gap is null or gap > interval 30 minutes) as sessions
from gaps
"""


def sessionise(files: list[str]) -> tuple[int, int]:
    """Give (requests, sessions) of combined log files."""
    found = duckdb.connect(config={"threads": 2}).execute(SCRIPT, {"files": files}).fetchone()
    assert found is not None
    return int(found[0]), int(found[1])


if __name__ == "__main__":
    print(sessionise(sys.argv[1:]))
