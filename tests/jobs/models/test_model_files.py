"""What the model files promise in their headers, and what they may use."""

import pytest

from jobs import models
from jobs.access_logs.routes import Funnel
from jobs.access_logs.settings import MeaningSettings
from jobs.engines import sql
from jobs.models.inputs import setting_tables

NAMES = (*models.ORDER, "duplicate_requests")
INPUTS = {"requests", *setting_tables(MeaningSettings())}


@pytest.mark.parametrize("name", NAMES)
def test_a_model_states_the_tables_that_it_reads(name):
    model = models.model(name)
    assert sql.tables(model.sql) == set(model.sources)


@pytest.mark.parametrize("name", NAMES)
def test_a_model_uses_only_functions_that_are_the_same_on_every_engine(name):
    assert sql.functions(models.model(name).sql) <= set(sql.ALLOWED)


@pytest.mark.parametrize("name", NAMES)
def test_a_model_lists_its_columns(name):
    columns = sql.columns(models.model(name).sql)
    assert "*" not in columns
    assert len(set(columns)) == len(columns)


def test_a_model_reads_only_what_is_computed_before_it():
    known = set(INPUTS)
    for name in models.ORDER:
        assert set(models.model(name).sources) <= known, name
        known.add(name)


def test_a_model_reads_coded_tables_or_text_but_never_both():
    coded = {name for name in models.ORDER if models.model(name).is_coded} | {"requests", "wanted_events"}
    for name in models.ORDER:
        sources = set(models.model(name).sources) - {"duration_buckets"}
        assert sources <= coded or not sources & coded, name


def test_a_coded_table_is_never_handed_out():
    assert not [name for name in models.KEYS if models.model(name).is_coded]
    assert set(models.KEYS) <= set(models.ORDER)


def test_every_function_allowed_is_used():
    assert set(sql.ALLOWED) == {
        function for name in NAMES for function in sql.functions(models.model(name).sql)
    }


def test_a_window_is_read_from_the_header():
    assert models.model("daily_activity").window == models.Window("days", -30, 0)
    assert models.model("sessions").window.kind == "chain"
    with pytest.raises(ValueError, match="wanted days"):
        models.Window.parse("whenever")


def test_a_funnel_is_computed_step_by_step():
    funnels = (Funnel("f", "all", None, ("a", "b", "c")), Funnel("g", "all", None, ("a",)))
    added = [dict(step.parameters) for step in models.steps(MeaningSettings(funnels=funnels)) if step.adds]
    assert added == [{"step_number": 2}, {"step_number": 3}]


def test_a_dimension_that_nobody_has_is_refused():
    with pytest.raises(ValueError, match="wanted one of platform, country, found 'shoe size'"):
        setting_tables(MeaningSettings(dimensions=("shoe size",)))
