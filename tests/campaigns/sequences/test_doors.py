"""Sequences at their doors: written, approved, filled and watched on pages and over the API; closed to others."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from campaigns import sequences
from campaigns.models import Enrollment, Segment, Sequence
from core.actors import Actor
from crm.models import Contact, Property
from messaging.models import Channel, Message
from tests.campaigns import factories
from tests.campaigns.sequences import drips
from tests.campaigns.sequences.drips import MONDAY, one
from tests.campaigns.test_doors import headers

API = "/api/v1/palm/sequences/"
PAGES = "/o/palm/sequences/"


def form(number: Channel, count: int = 2, **fields: Any) -> dict[str, Any]:
    """What the editor sends."""
    given: dict[str, Any] = {
        "name": "After the viewing", "channel": number.pk, "quiet_from": "21:00", "quiet_until": "09:00",
        "quiet_after_talk_hours": "0", "stop_on_reply": "on", "stop_on_sale": "on", "may_reenter": "on", "steps": count,
    }  # fmt: skip
    template = number.templates.first() or factories.template(number)
    for index in range(count):
        given |= {
            f"step{index}-template": template.pk, f"step{index}-delay_days": 3 * index, f"step{index}-delay_hours": 0,
            f"step{index}-delay_minutes": 0, f"step{index}-source.1": "contact.first_name", f"step{index}-text.1": "",
            f"step{index}-source.2": "text", f"step{index}-text.2": "A-7", f"step{index}-if_unseen": "continue",
            f"step{index}-if_delivered": "continue", f"step{index}-if_read": "skip", f"step{index}-if_replied": "stop",
            f"step{index}-if_failed": "stop",
        }  # fmt: skip
    return given | fields


def visit(actor: Actor) -> Client:
    client = Client()
    client.force_login(actor.user)  # type: ignore[arg-type]
    return client


def test_a_manager_writes_one_and_another_lets_it_go(manager, second_manager, number):
    mine, theirs = visit(manager), visit(second_manager)
    assert "No sequences yet" in mine.get(PAGES).text
    assert mine.get(f"{PAGES}new/").status_code == 200

    saved = mine.post(f"{PAGES}new/", form(number))

    made = Sequence.objects.get()
    assert saved["Location"] == f"{PAGES}{made.pk}/"
    first, second = sequences.steps_of(made)
    assert second.variables == {"1": {"source": "contact.first_name"}, "2": {"text": "A-7"}}
    assert (first.delay_days, second.delay_days, second.if_read, second.if_replied) == (0, 3, "skip", "stop")
    mine.post(f"{PAGES}{made.pk}/decisions/submit/")
    mine.post(f"{PAGES}{made.pk}/decisions/approve/")
    made.refresh_from_db()
    assert made.status == "in_review"  # not by the one who wrote it
    assert theirs.get(f"{PAGES}{made.pk}/").status_code == 200
    theirs.post(f"{PAGES}{made.pk}/decisions/approve/")
    made.refresh_from_db()
    assert made.status == "active"
    assert theirs.post(f"{PAGES}{made.pk}/decisions/pause/", {"reason": ""}).status_code == 302
    theirs.post(f"{PAGES}{made.pk}/decisions/pause/", {"reason": "Eid"})
    made.refresh_from_db()
    assert (made.status, made.status_reason) == ("paused", "Eid")
    assert theirs.get(f"{PAGES}{made.pk}/decisions/pause/").status_code == 405


def test_the_editor_adds_moves_and_takes_out_steps_and_shows_what_will_be_read(manager, number):
    client, given = visit(manager), form(number)

    longer = client.post(f"{PAGES}new/", {**given, "do": "add"}).text
    assert "Step 3" in longer
    assert "{{First name}}" in longer  # the bubble, with the name of the source
    assert "A-7" in longer
    shorter = client.post(f"{PAGES}new/", {**given, "do": "remove.0"}).text
    assert "Step 2" not in shorter
    moved = client.post(f"{PAGES}new/", {**given, "do": "up.1"}).text
    assert moved.index('name="step0-delay_days" value="3"') < moved.index('name="step1-delay_days" value="0"')
    refused = client.post(f"{PAGES}new/", {**given, "step1-text.2": "", "name": "X"})
    assert refused.status_code == 422
    assert "write the text" in refused.text
    assert client.post(f"{PAGES}new/", {**given, "step1-delay_days": "366"}).status_code == 422
    assert not Sequence.objects.exists()


def test_a_change_keeps_the_steps_that_were_there(manager, drip, number):
    client = visit(manager)
    shown = client.get(f"{PAGES}{drip.pk}/change/").text
    assert "People are under way" in shown
    ids = [step.pk for step in sequences.steps_of(drip)]

    given = form(number, 3) | {f"step{index}-id": pk for index, pk in enumerate(ids)}
    assert client.post(f"{PAGES}{drip.pk}/change/", {**given, "step2-delay_days": "9"}).status_code == 302

    assert [step.pk for step in sequences.steps_of(drip)] == ids
    assert sequences.steps_of(drip)[2].delay_days == 9
    assert "Some steps were changed" in client.get(f"{PAGES}{drip.pk}/").text


def test_people_come_in_by_segment_and_every_number_opens_its_rows(organization, manager, drip, people):
    Contact.objects.filter(pk=people[2]).update(first_name="")
    Property.objects.update(status="available")
    segment = Segment.objects.create(
        organization=organization, name="All", definition={"match": "all", "rows": [{"field": "unit.status", "is": "in", "value": ["available"]}]},
        created_by=manager.membership,
    )  # fmt: skip
    client = visit(manager)

    client.post(f"{PAGES}{drip.pk}/enrolling/", {"segment": segment.pk})

    assert Enrollment.objects.count() == 2
    Enrollment.objects.update(counted_from=MONDAY, due_at=MONDAY)
    drips.run(organization, MONDAY)
    Message.objects.filter(conversation__contact=people[0]).update(status="read")
    drips.wrote(people[1], at=MONDAY + timedelta(hours=1))
    shown = client.get(f"{PAGES}{drip.pk}/").text
    assert "a text lacks a value" in shown
    first = sequences.steps_of(drip)[0]
    for query, names in (
        (f"step={first.pk}&reached=sent", {"Owner 0", "Owner 1"}),
        (f"step={first.pk}&reached=read", {"Owner 0"}),
        (f"step={first.pk}&reached=replied", {"Owner 1"}),
        ("reason=replied", {"Owner 1"}),
        ("state=live", {"Owner 0"}),
        ("q=owner+0", {"Owner 0"}),
    ):
        listed = client.get(f"{PAGES}{drip.pk}/people/?{query}")
        assert {row.contact.display_name for row in listed.context["rows"]} == names, query
    story = client.get(f"{PAGES}people/{one(people[1]).pk}/").text
    assert "They replied" in story
    assert "Cancelled" in story
    ahead = client.get(f"{PAGES}people/{one(people[0]).pk}/").text
    assert "To come" in ahead
    client.post(f"{PAGES}people/{one(people[0]).pk}/pause/")
    assert one(people[0]).state == "paused"


def test_the_simulation_moves_the_clock(manager, drip):
    shown = visit(manager).get(f"{PAGES}{drip.pk}/?enrolled=2026-06-01T02:00")

    planned = [(each.step.position, each.goes_at.isoformat(), each.waits) for each in shown.context["planned"]]
    assert planned == [
        (1, "2026-06-01T05:00:00+00:00", True),  # two in the night: nine in the morning
        (2, "2026-06-04T05:00:00+00:00", False),
        (3, "2026-06-11T05:00:00+00:00", False),
    ]


def test_the_lists_cost_the_same_for_many(manager, second_manager, number, people, django_assert_max_num_queries):
    for _ in range(6):
        made = drips.active(manager, second_manager, number, quiet_after_talk_hours=0)
        sequences.enrol(actor=manager, sequence=made, contact_ids=people, at=MONDAY)
    client = visit(manager)
    client.get(PAGES)

    # session, user, membership, scope, sequences, steps, people, scope back, and what the shell asks
    with django_assert_max_num_queries(12):
        client.get(PAGES)
    with django_assert_max_num_queries(12):
        client.get(f"{PAGES}{made.pk}/people/")
    with django_assert_max_num_queries(18):
        client.get(f"{PAGES}{made.pk}/")


def test_own_only_and_closed_to_others(manager, agent, supervisor, outsider, drip, people):
    sequences.enrol(actor=manager, sequence=drip, contact_ids=people, at=MONDAY)
    for actor in (agent, supervisor, outsider):
        client = visit(actor)
        for path in (f"{drip.pk}/", f"{drip.pk}/people/", f"people/{one(people[0]).pk}/"):
            assert client.get(PAGES + path).status_code == 404
    assert visit(agent).get(f"{PAGES}new/").status_code == 403
    assert visit(agent).post(f"{PAGES}{drip.pk}/enrolling/", {}).status_code == 403
    assert visit(supervisor).post(f"{PAGES}{drip.pk}/decisions/archive/", {"reason": "x"}).status_code == 404


def test_the_api_does_all_of_it(client, manager, second_manager, number, people):
    mine, theirs = headers(manager), headers(second_manager)
    template = factories.template(number)
    step = {"template": template.pk, "variables": factories.VARIABLES}
    given = {"name": "By hand", "channel": number.pk, "steps": [step, {**step, "delay_days": 2}]}

    made = client.post(API, given, content_type="application/json", headers=mine)
    assert made.status_code == 201, made.content
    here = f"{API}{made.json()['id']}/"
    assert [each["position"] for each in made.json()["steps"]] == [1, 2]
    assert client.post(f"{here}review/", headers=mine).status_code == 201
    assert client.post(f"{here}approval/", headers=mine).json()["code"] == "own_sequence"
    assert client.post(f"{here}approval/", headers=theirs).json()["status"] == "active"
    asked = {"contacts": [*people, 999_999]}
    done = client.post(f"{here}enrollments/", asked, content_type="application/json", headers=mine)
    assert done.json() == {"count": 3, "refused": {"999999": "unknown"}}
    row = client.get("/api/v1/palm/enrollments/?state=active", headers=mine).json()["results"][0]
    enrolled = f"/api/v1/palm/enrollments/{row['id']}/"
    assert client.post(f"{enrolled}pause/", content_type="application/json", headers=mine).json()["state"] == "paused"
    assert client.delete(f"{enrolled}pause/", headers=mine).status_code == 204
    stopped = client.post(f"{enrolled}stop/", content_type="application/json", headers=mine).json()
    assert (stopped["state"], stopped["stop_reason"]) == ("stopped", "by_hand")
    drips.run(manager.organization, timezone.now() + timedelta(minutes=1))
    other = next(pk for pk in people if pk != row["contact"])
    assert client.get(f"/api/v1/palm/enrollments/{one(other).pk}/steps/", headers=mine).json()[0]["outcome"] == "sent"
    assert client.post(f"{here}pause/", content_type="application/json", headers=mine).json()["status"] == "paused"
    assert client.delete(f"{here}pause/", headers=mine).status_code == 204
    changed = client.patch(here, {"name": "By the house"}, content_type="application/json", headers=mine)
    assert changed.json()["name"] == "By the house"
    assert client.post(f"{here}archival/", content_type="application/json", headers=mine).json()["status"] == "archived"
    assert {one(pk).state for pk in people} == {"stopped"}
    wrong = client.post(API, {"name": "", "steps": []}, content_type="application/json", headers=mine)
    assert wrong.status_code in (400, 422)


@pytest.mark.parametrize("name", ["sequences", "sequence-people"])
def test_lists_are_taken_along(manager, drip, people, name):
    sequences.enrol(actor=manager, sequence=drip, contact_ids=people, at=MONDAY)

    answer = visit(manager).post(f"/o/palm/lists/{name}/export/", {"format": "csv", "asked": f"sequence={drip.pk}"})

    lines = b"".join(answer).decode("utf-8-sig").splitlines()  # type: ignore[arg-type]
    assert len(lines) == (2 if name == "sequences" else 4)
