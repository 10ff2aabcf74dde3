"""What the page's figures mean, in the words of the warehouse."""

from __future__ import annotations

from collections.abc import Iterable

from warehouse import queries
from warehouse.queries import Readable
from warehouse.report import text
from warehouse.report.page import Card, Definition, Section
from warehouse.schema import metadata

_DETAILS = {"grain": "One figure for", "caveat": "Mind", "source": "Source"}
_LONGEST = 1_000


def definitions(
    warehouse: Readable, sections: Iterable[Section], cards: Iterable[Card]
) -> tuple[Definition, ...]:
    """Give the definitions that the page links to, in the order of their first use.

    A name without a dot is a metric of `metric_definitions`; `table.column` is a column, and its meaning the
    column's comment, which is also in `column_definitions`.
    """
    names = dict.fromkeys(
        [card.defined for card in cards]
        + [name for section in sections for figure in section.figures for name in figure.defined]
    )
    metrics = {str(row["metric_id"]): row for row in queries.metrics(warehouse).to_dict("records")}
    found = []
    for name in names:
        table, _, column = name.partition(".")
        if column:
            found.append(Definition(name, metadata.tables[table].c[column].comment or ""))
            continue
        metric = metrics.get(name, {})
        details = ((heading, metric.get(key)) for key, heading in _DETAILS.items())
        found.append(
            Definition(
                name,
                text.shown(metric.get("formula") or "This warehouse does not define it.", _LONGEST),
                tuple((heading, text.shown(detail, _LONGEST)) for heading, detail in details if detail),
            )
        )
    return tuple(found)
