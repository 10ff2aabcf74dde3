"""The functions that models may use give the same on this engine as on every other."""

import duckdb
import pytest

from jobs.engines.sql import ALLOWED, OPERATORS, Probe, translate

PROBES = [probe for probes in ALLOWED.values() for probe in probes] + list(OPERATORS)


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.expression[:60])
def test_a_probe_gives_its_value_on_duckdb(probe: Probe):
    with duckdb.connect() as con:
        ((value,),) = con.execute(translate(probe.expression, "duckdb")).fetchall()
    assert value == probe.expected
    assert type(value) is type(probe.expected)


def test_names_are_quoted_and_parameters_are_the_dialects_own():
    text = translate("select at div :slot_us as slot from requests", "duckdb")
    assert text == 'SELECT "at" // $slot_us AS "slot" FROM "requests"'
