"""What PostgreSQL itself refuses."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from tests.campaigns.sequences.drips import MONDAY, enrol, run

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("constraint", "statement"),
    [
        ("campaigns_step_at_most_ten", "UPDATE campaigns_sequencestep SET position = 11"),
        ("campaigns_step_delay_within_a_year", "UPDATE campaigns_sequencestep SET delay_days = 366"),
        ("campaigns_step_if_read_known", "UPDATE campaigns_sequencestep SET if_read = 'maybe'"),
        ("campaigns_sequence_status_known", "UPDATE campaigns_sequence SET status = 'running'"),
        ("campaigns_sequence_quiet_hours_both_or_none", "UPDATE campaigns_sequence SET quiet_until = NULL"),
        ("campaigns_enrollment_stopped_has_a_reason", "UPDATE campaigns_enrollment SET stop_reason = 'sold'"),
        ("campaigns_enrollment_live_has_a_next_step", "UPDATE campaigns_enrollment SET due_at = NULL"),
        ("campaigns_enrollment_live_has_a_next_step", "UPDATE campaigns_enrollment SET state = 'lost'"),
        (
            "campaigns_enrollment_once_at_a_time",
            "INSERT INTO campaigns_enrollment (organization_id, sequence_id, contact_id, enrolled_by_id, enrolled_at,"
            " state, stop_reason, note, next_step_id, counted_from, due_at, created_at, updated_at)"
            " SELECT organization_id, sequence_id, contact_id, enrolled_by_id, enrolled_at, 'paused', '', '',"
            " next_step_id, counted_from, due_at, now(), now() FROM campaigns_enrollment",
        ),
        (
            "campaigns_step_sent_once",
            "INSERT INTO campaigns_enrollmentstep (organization_id, enrollment_id, sequence_id, contact_id, step_id,"
            " outcome, note, message_id, at, created_at, updated_at) SELECT organization_id, enrollment_id, sequence_id,"
            " contact_id, step_id, 'sent', '', message_id, now(), now(), now() FROM campaigns_enrollmentstep",
        ),
        ("campaigns_step_sent_has_a_message", "UPDATE campaigns_enrollmentstep SET message_id = NULL"),
    ],
)
def test_the_database_holds_what_must_always_be_true(organization, manager, drip, people, constraint, statement):
    enrol(manager, drip, people[:1])
    run(organization, MONDAY)

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_what_was_sent_cannot_be_forgotten(organization, manager, drip, people):
    enrol(manager, drip, people[:1])
    run(organization, MONDAY)

    with pytest.raises(Exception, match="permission denied"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM campaigns_enrollmentstep")
