"""Duplicates on the pages of managers and agents."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core.actors import Actor
from crm import selectors, services
from crm.models import Contact, DuplicateCandidate, DuplicateSearch, Merge, Property
from crm.services import duplicates, merging
from tests.crm import factories


def visit(actor: Actor) -> Client:
    client = Client()
    client.force_login(actor.user)
    return client


@pytest.fixture
def pair(manager: Actor, agent: Actor) -> tuple[Contact, Contact]:
    names = ("Omar Khalifa Saeed", "عمر خليفة سعيد")
    first, second = (
        factories.contact(manager.organization, name, assigned_to=agent.membership, language=language)
        for name, language in zip(names, ("en", "ar"), strict=True)
    )
    for contact in (first, second):
        factories.point(contact, "+971501112233")
    duplicates.look_for_duplicates(actor=manager, noun="contact", ids=[first.pk], at=timezone.now())
    return first, second


def asked(pair: tuple[Contact, Contact], **more: str) -> dict[str, object]:
    return {"noun": "contact", "survivor": pair[0].pk, "other": pair[1].pk, **more}


def test_from_the_list_to_the_merge_and_back(pair: tuple[Contact, Contact], manager: Actor) -> None:
    office = visit(manager)
    shown = office.get("/o/palm/duplicates/").content.decode()
    assert "the same name in other letters" in shown
    assert "+971501112233" not in shown
    assert "+97150•••33" in shown

    compared = office.get("/o/palm/merging/", asked(pair)).content.decode()
    assert "numbers that both have" in compared
    assert 'name="field-language" value="theirs"' in compared
    assert not Merge.objects.exists()

    done = office.post("/o/palm/merging/", asked(pair, **{"field-language": "theirs", "field-name": "ours"}))
    assert done["Location"] == f"/o/palm/owners/{pair[0].pk}/"
    pair[0].refresh_from_db()
    assert (pair[0].display_name, pair[0].language) == ("Omar Khalifa Saeed", "ar")
    assert office.get(f"/o/palm/owners/{pair[1].pk}/")["Location"] == done["Location"]
    assert "عمر خليفة سعيد" in office.get(done["Location"]).content.decode()

    undo = f"/o/palm/merges/{Merge.objects.get().pk}/reversal/"
    assert undo in office.get("/o/palm/merges/").content.decode()
    office.post(undo)
    assert office.get(f"/o/palm/owners/{pair[1].pk}/").status_code == 200
    assert "undone" in office.get("/o/palm/merges/").content.decode()


def test_many_at_once_are_shown_before(pair: tuple[Contact, Contact], manager: Actor) -> None:
    office = visit(manager)
    candidate = DuplicateCandidate.objects.get()

    before = office.post("/o/palm/merging/many/", {"pair": candidate.pk}).content.decode()
    assert "Omar Khalifa Saeed" in before
    assert not Merge.objects.exists()

    office.post("/o/palm/merging/many/", {"pair": candidate.pk, "confirmed": "1"})
    assert Merge.objects.get().survivor_id == pair[0].pk
    assert "No duplicates to look at" in office.get("/o/palm/duplicates/").content.decode()


def test_agents_see_their_pairs_with_masked_numbers_and_merge_nothing(
    pair: tuple[Contact, Contact], agent: Actor, other_agent: Actor
) -> None:
    phone = visit(agent)
    shown = phone.get("/o/palm/duplicates/").content.decode()
    assert "+97150•••33" in shown
    assert "Compare and merge" not in shown
    assert "Omar" not in visit(other_agent).get("/o/palm/duplicates/").content.decode()

    for address in ("/o/palm/merging/", "/o/palm/duplicates/search/"):
        assert phone.post(address, asked(pair)).status_code == 403
    phone.post("/o/palm/merging/many/", {"pair": DuplicateCandidate.objects.get().pk, "confirmed": "1"})
    assert not Merge.objects.exists()
    phone.post("/o/palm/duplicates/proposal/", {"noun": "contact", "first": pair[0].pk, "second": pair[1].pk})
    assert "proposed by Omar" in phone.get("/o/palm/duplicates/?code=proposed").content.decode()


def test_dismissed_and_taken_up_again(pair: tuple[Contact, Contact], manager: Actor) -> None:
    office = visit(manager)
    address = f"/o/palm/duplicates/{DuplicateCandidate.objects.get().pk}/dismissal/"

    office.post(address)
    assert "عمر" not in office.get("/o/palm/duplicates/").content.decode()
    assert "عمر" in office.get("/o/palm/duplicates/?state=dismissed").content.decode()
    office.post(address, {"undo": "1"})
    assert "عمر" in office.get("/o/palm/duplicates/").content.decode()


def test_bad_addresses_are_answered(pair: tuple[Contact, Contact], manager: Actor) -> None:
    office = visit(manager)

    assert office.get("/o/palm/merging/").status_code == 422
    assert office.get("/o/palm/merging/", {"noun": "contact", "survivor": "x", "other": "9" * 30}).status_code == 422
    assert office.get("/o/palm/merging/", asked(pair) | {"other": 10**17}).status_code == 404
    assert office.get("/o/palm/merging/", asked(pair, **{"field-tags": "theirs"})).status_code == 422
    assert office.get("/o/palm/duplicates/?after=x-y&state=nope&code=%00&noun=cat").status_code == 200
    office.post("/o/palm/duplicates/search/")
    assert DuplicateSearch.objects.count() == 1


def test_a_unit_tells_of_its_twin_and_leads_on_when_merged(manager: Actor) -> None:
    project = factories.project(manager.organization)
    first = factories.unit(project, building="Viridis", unit_number="7")
    second = factories.unit(project, p_number="7001", building="VIRIDIS", unit_number="7")
    duplicates.look_for_duplicates(actor=manager, noun="property", ids=[first.pk], at=timezone.now())
    office = visit(manager)

    assert "the same building or cluster, and unit 7" in office.get(f"/o/palm/units/{first.pk}/").content.decode()
    office.post("/o/palm/merging/", {"noun": "property", "survivor": first.pk, "other": second.pk})

    assert office.get(f"/o/palm/units/{second.pk}/")["Location"] == f"/o/palm/units/{first.pk}/"
    assert Property.objects.get(pk=first.pk).p_number == "7001"


def test_who_finds_one_twice_searches_for_the_other_and_comes_to_the_preview(manager: Actor) -> None:
    kept, other = (factories.contact(manager.organization, name) for name in ("Layla Mansoor", "Umm Khalid"))
    factories.point(other, "+971502223344")
    office = visit(manager)
    search = f"/o/palm/merging/with/?noun=contact&survivor={kept.pk}"
    assert search.replace("&", "&amp;") in office.get(f"/o/palm/owners/{kept.pk}/").content.decode()

    assert "Umm Khalid" not in office.get(search).content.decode()
    found = office.get(f"{search}&q=0502223344").content.decode()
    assert "Umm Khalid" in found
    assert "+971502223344" not in found
    compare = f"/o/palm/merging/?noun=contact&survivor={kept.pk}&other={other.pk}"
    assert compare.replace("&", "&amp;") in found
    assert office.get(compare).status_code == 200
    assert "Nothing else fits" in office.get(f"{search}&q=Layla").content.decode()


def test_an_agent_proposes_two_units_of_his_and_cannot_merge_them(manager: Actor, agent: Actor) -> None:
    project = factories.project(manager.organization)
    first, second = (factories.unit(project, p_number=number) for number in ("4001", "4002"))
    hidden = factories.unit(factories.project(manager.organization, "Elsewhere"), p_number="4003")
    factories.assignment(factories.agent(agent), project)
    phone = visit(agent)
    search = f"/o/palm/merging/with/?noun=property&survivor={first.pk}"
    assert search.replace("&", "&amp;") in phone.get(f"/o/palm/units/{first.pk}/").content.decode()

    found = phone.get(f"{search}&q=4002").content.decode()
    assert "They are the same" in found
    assert "/o/palm/merging/?" not in found
    assert "Nothing else fits" in phone.get(f"{search}&q=4003").content.decode()
    assert phone.get(f"/o/palm/merging/with/?noun=property&survivor={hidden.pk}").status_code == 404

    said = {"noun": "property", "first": first.pk, "second": second.pk, "next": f"/o/palm/units/{first.pk}/"}
    answer = phone.post("/o/palm/duplicates/proposal/", said)
    assert answer["Location"] == said["next"]
    assert DuplicateCandidate.objects.get().proposed_by == agent.membership


def test_bad_addresses_of_the_search_are_answered(manager: Actor) -> None:
    office = visit(manager)
    kept = factories.contact(manager.organization)

    assert office.get("/o/palm/merging/with/").status_code == 404
    assert office.get(f"/o/palm/merging/with/?noun=cat&survivor={kept.pk}").status_code == 404
    assert office.get(f"/o/palm/merging/with/?noun=contact&survivor={'9' * 30}").status_code == 404
    odd = {"noun": "contact", "survivor": kept.pk, "q": "\x00%' OR 1=1 --" * 40}
    assert office.get("/o/palm/merging/with/", odd).status_code == 200


def test_a_survivors_page_tells_who_was_shown_which_number_under_which_name(
    pair: tuple[Contact, Contact], manager: Actor, agent: Actor, django_assert_num_queries: Any
) -> None:
    at = timezone.now()
    alone = factories.point(pair[1], "+971507654321")
    for contact, reason, door in ((pair[1], "asked for a viewing", "assistant"), (pair[0], "an offer", "api")):
        services.disclose_owner_number(actor=agent, contact=contact, reason=reason, door=door, at=at)
    merging.merge(actor=manager, noun="contact", survivor_id=pair[0].pk, other_id=pair[1].pk, at=at)

    survivor = Contact.objects.get(pk=pair[0].pk)

    with django_assert_num_queries(4):  # the lineage and its end, the disclosures with their people, the numbers
        shown = selectors.disclosures.shown_of(manager, survivor)

    assert shown is not None
    told = [(row.who, row.door, row.reason, row.under) for row in shown]
    assert told == [
        (agent.user.name, "API", "an offer", ""),
        (agent.user.name, "WhatsApp assistant", "asked for a viewing", "عمر خليفة سعيد"),
    ]
    assert "+97150•••21" in shown[1].numbers
    assert "+97150•••33" in shown[1].numbers, "the number that both had is there once, and told of still"
    page = visit(manager).get(f"/o/palm/owners/{pair[0].pk}/").content.decode()
    assert "asked for a viewing" in page
    assert "asked for a viewing" not in visit(agent).get(f"/o/palm/owners/{pair[0].pk}/").content.decode()
    assert alone.value not in repr(shown)
