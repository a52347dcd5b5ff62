"""Two contacts in one sequence turn out to be one person: one goes on, and no step is repeated."""

from __future__ import annotations

from campaigns import sequences
from campaigns.models import Enrollment, EnrollmentStep
from crm.services import merging
from tests.campaigns.sequences import drips
from tests.campaigns.sequences.drips import MONDAY, enrol, one, run


def test_who_is_in_it_twice_goes_on_once(organization, manager, second_manager, drip, people):
    survivor, merged = people[:2]
    enrol(manager, drip, [survivor])
    run(organization, MONDAY)
    drips.became(survivor, "delivered")
    enrol(manager, drip, [merged], at=MONDAY)

    at = MONDAY + drips.DAY
    merging.merge(actor=manager, noun="contact", survivor_id=survivor, other_id=merged, at=at)

    rows = list(Enrollment.objects.order_by("pk").values_list("contact", "state", "stop_reason"))
    assert rows == [(survivor, "active", ""), (survivor, "stopped", "merged")]
    run(organization, MONDAY + 3 * drips.DAY)
    assert EnrollmentStep.objects.filter(contact=survivor, outcome="sent").count() == 2
    again = sequences.enrol(actor=manager, sequence=drip, contact_ids=[merged], at=MONDAY)
    assert again.refused == {merged: "unknown"}
    assert one(survivor).state == "stopped"
