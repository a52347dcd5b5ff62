"""Who may be whom: found with reasons, never certain, and dismissed for good until more speaks for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from core.actors import Actor
from core.errors import CapabilityMissing, NotFound
from core.models import Organization
from core.tenancy import organization_scope
from crm import services
from crm.duplicates import contact_pairs, judge, unit_pairs
from crm.duplicates.judging import Reason, words_of
from crm.errors import CandidateClosed
from crm.models import Contact, DuplicateCandidate, DuplicateSearch
from crm.selectors import masked
from crm.services import duplicates, merging
from tests.crm import factories

NOON = datetime(2026, 6, 1, 8, tzinfo=UTC)


def pairs_of(*contacts: Contact) -> dict[tuple[int, int], set[str]]:
    found = contact_pairs(contacts[0].organization_id, [contact.pk for contact in contacts])
    return {(pair.first, pair.second): {reason.code for reason in pair.reasons} for pair in found}


def searched(actor: Actor) -> dict[tuple[int, int], DuplicateCandidate]:
    search = duplicates.start_search(actor=actor, at=NOON)
    duplicates.go_on(organization=actor.organization, search_id=search.pk, at=NOON)
    return {each.ids: each for each in DuplicateCandidate.objects.open()}


def test_one_person_in_two_scripts_with_one_number_is_obvious(manager: Actor) -> None:
    latin = services.create_contact(actor=manager, display_name="Mohammed Al Hashimi")
    arabic = services.create_contact(actor=manager, display_name="محمد الهاشمي")
    for contact in (latin, arabic):
        services.add_contact_point(actor=manager, contact=contact, kind="phone", value="050 123 4567")

    candidate = searched(manager)[latin.pk, arabic.pk]

    assert candidate.codes == ["number", "other_letters"]
    assert candidate.is_obvious
    assert candidate.score == 75


def test_a_name_alone_or_a_number_alone_is_never_obvious(manager: Actor) -> None:
    house = manager.organization
    same = [factories.contact(house, "Omar Khalifa Saeed") for _ in range(2)]
    spouses = [factories.contact(house, name) for name in ("Layla Haddad", "John Peterson")]
    for spouse in spouses:
        factories.point(spouse, "+971501112233")

    found = searched(manager)

    assert found[same[0].pk, same[1].pk].codes == ["same_name"]
    assert found[spouses[0].pk, spouses[1].pk].codes == ["number"]
    assert not any(each.is_obvious for each in found.values())


def test_the_number_of_a_family_office_proposes_nobody_by_itself(manager: Actor) -> None:
    names = ["Omar Saeed", "Layla Haddad", "Ivan Petrov", "Chen Wei", "Sara Kurian", "Paul Meyer", "Rita Gomez"]
    people = [factories.contact(manager.organization, name) for name in names]
    twin = services.create_contact(actor=manager, display_name="عمر سعيد")
    for person in [*people, twin]:
        factories.point(person, "+971504445566")

    found = searched(manager)

    assert list(found) == [(people[0].pk, twin.pk)]
    number = next(reason for reason in found[people[0].pk, twin.pk].reasons if reason["code"] == "number")
    assert number["shared_by"] == 8
    assert "shared by 8 contacts" in words_of(Reason(**number), hide=masked)


def test_couples_who_own_together_are_two_unless_their_names_are_alike(manager: Actor) -> None:
    unit = factories.unit(factories.project(manager.organization))
    names = ["Noura Al Hashimi", "Noora Alhashimi", "Peter Brown"]
    people = [factories.contact(manager.organization, name) for name in names]
    for person in people:
        factories.ownership(unit, person)

    found = searched(manager)

    assert list(found) == [(people[0].pk, people[1].pk)]
    assert set(found[people[0].pk, people[1].pk].codes) >= {"same_unit"}


def test_a_slip_of_the_pen_is_found_within_a_project(manager: Actor) -> None:
    project = factories.project(manager.organization)
    people = [factories.contact(manager.organization, name) for name in ("Zubair Qureshi", "Zubair Qureshin")]
    for person in people:
        factories.ownership(factories.unit(project), person)

    assert set(searched(manager)[people[0].pk, people[1].pk].codes) >= {"same_project"}


def test_at_the_door_the_same_is_found_as_by_the_job(manager: Actor) -> None:
    known = factories.contact(manager.organization, "Fatima Zayed")
    factories.point(known, "fatima@example.com", kind="email")
    duplicates.fill_name_keys(organization=manager.organization)
    new = services.create_contact(actor=manager, display_name="فاطمة زايد")
    services.add_contact_point(actor=manager, contact=new, kind="email", value="Fatima@Example.com")

    told = duplicates.look_for_duplicates(actor=manager, noun="contact", ids=[new.pk], at=NOON)

    assert [(each.ids, each.codes) for each in told] == [((known.pk, new.pk), ["email", "other_letters"])]
    assert pairs_of(known) == pairs_of(new) == {(known.pk, new.pk): {"email", "other_letters"}}


def test_a_dismissed_pair_comes_back_only_with_a_new_reason(manager: Actor) -> None:
    people = [factories.contact(manager.organization, "Omar Khalifa Saeed") for _ in range(2)]
    candidate = searched(manager)[people[0].pk, people[1].pk]
    duplicates.dismiss_candidate(actor=manager, candidate=candidate, at=NOON)

    assert searched(manager) == {}
    for person in people:
        factories.point(person, "+971501112233")
    again = searched(manager)[people[0].pk, people[1].pk]

    assert (again.pk, again.codes) == (candidate.pk, ["number", "same_name"])


def test_what_no_longer_holds_is_forgotten(manager: Actor) -> None:
    people = [factories.contact(manager.organization, "Omar Khalifa Saeed") for _ in range(2)]
    assert searched(manager)
    services.update_contact(actor=manager, contact=people[1], display_name="Somebody Else")

    duplicates.start_search(actor=manager, at=NOON + timedelta(days=1))
    search = DuplicateSearch.objects.exclude(status="done").get()
    duplicates.go_on(organization=manager.organization, search_id=search.pk, at=NOON + timedelta(days=1))

    assert not DuplicateCandidate.objects.exists()


def test_a_search_that_was_cut_off_goes_on_where_it_stood(manager: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "AT_A_TIME", 2)
    for number in range(5):
        factories.contact(manager.organization, f"Omar Khalifa {number // 2}")
    search = duplicates.start_search(actor=manager, at=NOON)
    last = duplicates.fill_name_keys(organization=manager.organization)
    DuplicateSearch.objects.update(cursor=last, status="running", leased_until=NOON + timedelta(minutes=10))

    assert duplicates.go_on(organization=manager.organization, search_id=search.pk, at=NOON) is None
    late = NOON + timedelta(minutes=11)
    done = duplicates.go_on(organization=manager.organization, search_id=search.pk, at=late)

    assert (done.status, done.found) == ("done", 2)
    assert not Contact.objects.filter(name_key="").exists()
    assert duplicates.go_on(organization=manager.organization, search_id=search.pk, at=late) is None


def test_a_new_name_by_whatever_door_gets_a_new_key(manager: Actor) -> None:
    contact = services.create_contact(actor=manager, display_name="Omar Saeed")
    assert contact.name_key
    Contact.objects.filter(pk=contact.pk).update(display_name="Layla", normalized_name="layla")

    contact.refresh_from_db()
    assert contact.name_key == ""


def test_units_of_two_sheets_are_found_as_people_write_them(manager: Actor) -> None:
    project = factories.project(manager.organization)
    first = factories.unit(project, building="Viridis B", unit_number="A-1204")
    gained = factories.unit(project, p_number="700123", building="VIRIDIS  B", unit_number="Unit a1204")
    another = factories.unit(project, p_number="700124", building="Viridis B", unit_number="1205")
    house = factories.unit(project, registration="R-9", municipality_number="42", plot_number="7", unit_number="3")
    same = factories.unit(project, p_number="700999", municipality_number="42", unit_number="3")
    two = factories.unit(project, p_number="700998", building="Viridis A", unit_number="a1204")

    found = {
        (pair.first, pair.second): {reason.code for reason in pair.reasons}
        for pair in unit_pairs(project.organization_id)
    }

    assert found == {(first.pk, gained.pk): {"place"}, (house.pk, same.pk): {"municipality"}}
    assert another.pk
    assert two.pk
    told = duplicates.look_for_duplicates(actor=manager, noun="property", ids=[gained.pk], at=NOON)
    assert [each.ids for each in told] == [(first.pk, gained.pk)]


def test_an_agent_is_told_of_what_he_sees_and_may_propose(manager: Actor, agent: Actor) -> None:
    mine = factories.contact(agent.organization, "Omar Khalifa Saeed", assigned_to=agent.membership)
    also = factories.contact(agent.organization, "Omer K. Said", assigned_to=agent.membership)
    other = factories.contact(agent.organization, "Omar Khalifa Saeed")

    assert duplicates.look_for_duplicates(actor=agent, noun="contact", ids=[mine.pk], at=NOON) == []
    assert len(duplicates.look_for_duplicates(actor=manager, noun="contact", ids=[mine.pk], at=NOON)) == 1
    with pytest.raises(NotFound):
        duplicates.propose_duplicate(actor=agent, noun="contact", first_id=mine.pk, second_id=other.pk, at=NOON)
    proposed = duplicates.propose_duplicate(actor=agent, noun="contact", first_id=also.pk, second_id=mine.pk, at=NOON)
    assert proposed.proposed_by == agent.membership
    assert "proposed" in proposed.codes
    with pytest.raises(CapabilityMissing):
        duplicates.dismiss_candidate(actor=agent, candidate=proposed, at=NOON)
    assert (mine.pk, also.pk) in searched(manager)


def test_a_merged_pair_is_closed_and_open_again_when_undone(manager: Actor) -> None:
    people = [factories.contact(manager.organization, "Omar Khalifa Saeed") for _ in range(2)]
    candidate = searched(manager)[people[0].pk, people[1].pk]
    made = merging.merge(actor=manager, noun="contact", survivor_id=people[0].pk, other_id=people[1].pk, at=NOON)

    candidate.refresh_from_db()
    assert candidate.state == "merged"
    with pytest.raises(CandidateClosed):
        duplicates.dismiss_candidate(actor=manager, candidate=candidate, at=NOON)

    merging.reverse_merge(actor=manager, merge=made, at=NOON)
    assert DuplicateCandidate.objects.open().get() == candidate


def test_pairs_never_reach_into_another_house(manager: Actor, other_organization: Organization) -> None:
    ours = factories.contact(manager.organization, "Omar Khalifa Saeed")
    with organization_scope(other_organization.pk):
        theirs = factories.contact(other_organization, "Omar Khalifa Saeed")
        factories.point(theirs, "+971501112233")
    factories.point(ours, "+971501112233")

    assert searched(manager) == {}
    pair = sorted([ours.pk, theirs.pk])
    for statement in (FOREIGN_PAIR, FOREIGN_MERGE):
        with pytest.raises(IntegrityError, match="same_org"):
            _insert(statement, [manager.organization.pk, *pair])


def _insert(statement: str, values: list[int]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


FOREIGN_PAIR = """
    INSERT INTO crm_duplicatecandidate (organization_id, noun, created_at, updated_at, first_contact_id, second_contact_id,
                                        score, found_at, reasons, codes, is_obvious, state, dismissed_keys)
    VALUES (%s, 'contact', now(), now(), %s, %s, 1, now(), '[]', '{}', false, 'open', '{}')
"""
FOREIGN_MERGE = """
    INSERT INTO crm_merge (organization_id, noun, created_at, updated_at, survivor_contact_id, merged_contact_id, at,
                           taken, consents, kept, former_national_id, former_national_id_index)
    VALUES (%s, 'contact', now(), now(), %s, %s, now(), '{}', '{}', '[]', '', '')
"""


def test_no_reasons_however_many_make_certain() -> None:
    every = [Reason(code, str(n)) for n in range(3) for code in ("number", "email", "same_name", "same_unit", "place")]

    assert judge(every).score == 95
    assert not judge([Reason("same_name")]).is_obvious
    assert not judge([Reason("number", "+1")]).is_obvious
