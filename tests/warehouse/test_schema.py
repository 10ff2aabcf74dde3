"""The tables are the design's, each column is explained, and the database itself holds the promises."""

from __future__ import annotations

import pytest
from sqlalchemy import Table, exc, insert
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from warehouse import schema
from warehouse.engine import writing
from warehouse.errors import WarehouseError

ALL = [*schema.MODEL_TABLES, *schema.OPERATION_TABLES, *schema.INTERNAL_TABLES]

DESIGN = {
    "sessions": "started_date session_id | player_id is_identified is_bot bot_reason started_at ended_at "
    "duration_s"
    " request_count event_count error_count bytes_sent entry_event exit_event platform is_implausible",
    "player_days": "player_id activity_date | session_count request_count event_count play_s error_count "
    "p95_ms"
    " first_at last_at is_new platform country purchase_count revenue_usd_micros",
    "players": "player_id | first_seen_at last_seen_at active_days session_count platform first_referrer_host"
    " utm_source utm_campaign country created_at level email_consent purchase_count revenue_usd_micros",
    "daily_activity": "activity_date dimension value | dau wau mau history_days stickiness_ratio new_players"
    " returning_players resurrected_players dormant_players anonymous_visitors session_count avg_session_s"
    " median_session_s peak_concurrent_players peak_at request_count bot_request_count error_ratio payers"
    " first_time_payers revenue_usd_micros arpdau_usd arppu_usd",
    "retention": "cohort_date day_n dimension value | cohort_size retained_classic retained_rolling "
    "classic_ratio"
    " rolling_ratio is_mature is_closed",
    "retention_brackets": "cohort_date bracket | cohort_size retained ratio is_mature",
    "funnel_steps": "funnel cohort_date step_number dimension value | event_name players from_start_ratio"
    " from_previous_ratio median_from_previous_s is_mature",
    "path_transitions": "activity_date from_event to_event | transition_count player_count",
    "traffic_hours": "hour_at stream method route status is_bot | request_count bytes_sent p50_ms p95_ms "
    "p99_ms",
    "traffic_sources": "activity_date referrer_host utm_source utm_campaign | sessions players new_players",
    "concurrency_minutes": "minute_at | concurrent_players",
    "rejected_lines": "object_id byte_offset | reason raw",
    "restatements": "run_id table_name key column_name | before after cause",
    "data_checks": "run_id check_name | severity passed found",
}


@pytest.mark.parametrize("name", DESIGN)
def test_a_table_has_the_columns_of_the_design_in_its_order(name: str) -> None:
    table = schema.metadata.tables[name]
    keys = [c.name for c in table.columns if c.primary_key]
    others = [c.name for c in table.columns if not c.primary_key]
    assert f"{' '.join(keys)} | {' '.join(others)}" == DESIGN[name]


def test_every_table_is_a_model_an_operation_or_internal() -> None:
    assert sorted(t.name for t in ALL) == sorted(schema.metadata.tables)


@pytest.mark.parametrize("table", ALL, ids=lambda table: table.name)
def test_every_table_and_column_says_what_it_holds(table: Table) -> None:
    assert table.comment
    assert [c.name for c in table.columns if not c.comment or len(c.comment) < 5] == []


@pytest.mark.parametrize("table", ALL, ids=lambda table: table.name)
def test_names_tell_the_type_of_a_column(table: Table) -> None:
    endings = {"_at": "timestamp", "_date": "date", "_ratio": "double", "_count": "integer", "_id": "text"}
    for column in table.columns:
        for ending, kind in endings.items():
            if column.name.endswith(ending) and column.name != "is_new":
                assert schema.data_type(column) == kind, column
        assert column.name.startswith("is_") <= (schema.data_type(column) == "boolean"), column


def test_the_schema_can_be_made_on_postgresql_with_the_same_constraints() -> None:
    ddl = str(CreateTable(schema.log_objects).compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]
    assert "ck_log_objects_no_line_disappears CHECK" in ddl
    assert "size_bytes BIGINT" in ddl


def test_the_database_refuses_an_object_whose_lines_do_not_add_up(wh, kit) -> None:
    kit.load(wh, "r1")
    row = {
        "object_id": "o",
        "content_digest": "c",
        "lines_read": 10,
        "accepted": 8,
        "rejected": 1,
        "duplicates": 0,
        "ignored": 0,
        "erased": 0,
        "status": "loaded",
        "run_id": "r1",
    }
    with pytest.raises(WarehouseError, match="no_line_disappears"), writing(wh.engine) as connection:
        connection.execute(insert(schema.log_objects).values(**row))
    with writing(wh.engine) as connection:
        connection.execute(insert(schema.log_objects).values(**row | {"ignored": 1}))


def test_one_content_is_loaded_once(wh, kit) -> None:
    kit.load(wh, "r1", receipts=[kit.receipt("a", 0)])
    twin = kit.receipt("b", 0, content_digest="content-a")
    with pytest.raises(WarehouseError, match="content_digest"):
        kit.load(wh, "r2", receipts=[twin])


def test_foreign_keys_are_on(wh) -> None:
    with pytest.raises(WarehouseError, match="FOREIGN KEY"), writing(wh.engine) as connection:
        connection.execute(
            insert(schema.rejected_lines).values(object_id="nobody", byte_offset=0, reason="no_time", raw="")
        )
    assert issubclass(exc.IntegrityError, exc.DBAPIError)
