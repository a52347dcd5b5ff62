"""The list of opt-outs that an office brings along: through the same import as everything else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from core.actors import Actor
from crm.models import Contact
from messaging.models import Channel, OptOut
from messaging.refusals import outbound_refusals
from messaging.services.consent import record_start
from sheets import services
from sheets.models import ImportRun
from tests.crm import factories as crm
from tests.sheets.imports import comma_separated, commit, upload

HEADER = ["Phone number", "Full name", "Type", "Reason", "Opt out date"]


def bring(actor: Actor, *lines: list[Any], name: str = "stops.csv") -> ImportRun:
    run = commit(actor, upload(actor, comma_separated([HEADER, *lines]), name, table="messaging.opt_outs"))
    assert run.status == "done", run.error
    return run


def refused(channel: Channel, category: str = "MARKETING") -> dict[str, str]:
    people = dict(Contact.objects.live().values_list("pk", "display_name"))
    found = outbound_refusals(
        organization=channel.organization, channel=channel, contact_ids=list(people), category=category
    )
    return {people[pk]: why for pk, why in found.items()}


def test_everybody_on_the_list_is_stopped_known_here_or_not(manager: Actor, channel: Channel) -> None:
    couple = [crm.contact(manager.organization, name) for name in ("Noura Example", "Omar Example")]
    for each in couple:
        crm.point(each, "+971501234567")

    run = bring(
        manager,
        ["050 123 4567", "Noura Example", "", "STOP", "30/10/2025"],
        ["+971 50 765 4321", "Stranger Example", "everything", "", ""],
        ["nothing", "", "", "", ""],
        ["0501111111", "", "sometimes", "", ""],
    )

    assert refused(channel) == dict.fromkeys(["Noura Example", "Omar Example", "Stranger Example"], "opted_out")
    assert refused(channel, "UTILITY") == {"Stranger Example": "opted_out"}
    first = OptOut.objects.get(contact=couple[0])
    assert (first.source, first.scope, first.said, f"{first.at:%Y-%m-%d}") == (
        "import", "marketing", "STOP", "2025-10-30",
    )  # fmt: skip
    assert (run.counts["opt_outs_new"], OptOut.objects.count()) == (3, 3)
    assert list(run.errors.order_by("row").values_list("row", "code")) == [(4, "number_unread"), (5, "scope_unknown")]


def test_the_same_list_again_changes_nothing_and_its_reversal_takes_it_back(manager: Actor, channel: Channel) -> None:
    line = ["0507654321", "Stranger Example", "", "", ""]
    run = bring(manager, line)
    again = bring(manager, line)
    other = bring(manager, [*line[:3], "told us twice", ""], name="other.csv")

    assert OptOut.objects.count() == 1
    assert (again.counts["unchanged"], other.counts.get("opt_outs_new", 0)) == (1, 0)

    services.request_reversal(actor=manager, run=run, at=timezone.now())
    services.revert(organization=manager.organization, run_id=run.pk, at=timezone.now())

    assert (OptOut.objects.live().count(), Contact.objects.live().count()) == (0, 0)


def test_who_wrote_start_since_is_not_stopped_by_an_old_list(manager: Actor, majlis: Actor, channel: Channel) -> None:
    old = ["0507654321", "Noura Example", "", "", "30/10/2025"]
    bring(manager, old)
    noura = Contact.objects.get()
    record_start(actor=majlis, contact=noura, address="971507654321", at=timezone.now() - timedelta(minutes=1))

    bring(manager, old)
    copied = bring(manager, ["0507654321", "", "", "again the old list", "31/10/2025"], name="copy.csv")
    assert refused(channel) == {}
    assert list(copied.errors.values_list("code", flat=True)) == ["started_again"]

    bring(manager, ["0507654321", "Noura Example", "", "said it again today", ""], name="new.csv")
    assert refused(channel) == {"Noura Example": "opted_out"}


def test_a_row_that_becomes_stricter_is_stricter(manager: Actor, channel: Channel) -> None:
    bring(manager, ["0507654321", "Noura Example", "marketing", "", ""])
    bring(manager, ["0507654321", "Noura Example", "all", "", ""])

    assert refused(channel, "UTILITY") == {"Noura Example": "opted_out"}
