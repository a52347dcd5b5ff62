"""Stock and people under many hands at once: one wins, sums hold, and nobody is told of a deadlock."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from functools import partial

from core.actors import Actor
from core.models import AuditEntry
from core.roles import Role
from core.tenancy import organization_scope
from crm import services
from crm.models import BankDetails, Contact, ContactPoint, Merge, Ownership, ProjectAssignment
from crm.services import merging
from tests.conftest import member
from tests.crm import factories
from tests.crm.test_merge_races import join, office, pair
from tests.crm.test_races import at_once
from tests.live import house

NOON = datetime(2026, 6, 1, 8, tzinfo=UTC)
PAIRS, ROUNDS = 30, 8


def test_pairs_merged_both_ways_at_once_have_one_survivor_each(committed: str) -> None:
    organization, manager = office()
    with organization_scope(organization.pk):
        for round_ in range(PAIRS):
            first, second = pair(organization, round_)
            answers = at_once(
                organization, partial(join, manager, first, second), partial(join, manager, second, first)
            )
            assert sorted(answers) == ["already_merged", "done"], round_
        assert Merge.objects.count() == PAIRS
        assert Contact.objects.live().count() == PAIRS
        assert ContactPoint.objects.live().filter(contact__deleted_at__isnull=True).count() == 2 * PAIRS
        assert not ContactPoint.objects.live().filter(contact__deleted_at__isnull=False).exists()


def test_merges_undone_while_they_are_made_again_are_whole_or_undone(committed: str) -> None:
    organization, manager = office()
    with organization_scope(organization.pk):
        told: Counter[tuple[str, ...]] = Counter()
        first, second = pair(organization, 1)
        for round_ in range(PAIRS):
            made = Merge.objects.filter(reversed_at__isnull=True).first() or join(manager, first, second)

            answers = at_once(
                organization,
                partial(merging.reverse_merge, actor=manager, merge=made, at=NOON),
                partial(join, manager, first, second),
            )

            told[tuple(answers)] += 1
            assert answers[0] == "done", round_
            assert answers[1] in {"done", "already_merged"}, round_  # a conflict, and never as if it were not there
            is_merged = Merge.objects.filter(reversed_at__isnull=True).exists()
            assert Contact.objects.live().filter(pk__in=[first.pk, second.pk]).count() == (1 if is_merged else 2)
            owners = set(ContactPoint.objects.live().values_list("contact", flat=True))
            assert owners == ({first.pk} if is_merged else {first.pk, second.pk})
        assert sum(told.values()) == PAIRS


def test_eight_who_add_owners_at_once_end_at_exactly_the_whole(committed: str) -> None:
    organization, _members = house()
    with organization_scope(organization.pk):
        project = factories.project(organization)
        people = [factories.contact(organization, f"Owner {number}") for number in range(8)]
        for round_ in range(ROUNDS):
            unit = factories.unit(project)

            def own(person: Contact, unit: object = unit) -> None:
                from crm.services.writing import refusals

                with refusals():
                    factories.ownership(unit, person, share_basis_points=2_500)  # type: ignore[arg-type]

            answers = at_once(organization, *[partial(own, person) for person in people])

            shares = Ownership.objects.current().filter(property=unit).values_list("share_basis_points", flat=True)
            assert sum(shares) == 10_000, round_
            assert Counter(answers) == {"done": 4, "shares_exceed_whole": 4}, round_


def test_work_is_transferred_or_goes_with_the_agent_who_leaves_and_never_stays_behind(committed: str) -> None:
    organization, members = house()
    manager = Actor(organization, members[Role.MANAGER])
    with organization_scope(organization.pk):
        heir = factories.agent(Actor(organization, members[Role.AGENT]))
        for round_ in range(ROUNDS):
            leaver = factories.agent(Actor(organization, member(organization, Role.AGENT, f"Leaver{round_}")))
            other = factories.agent(Actor(organization, member(organization, Role.AGENT, f"Other{round_}")))
            held = [
                factories.assignment(leaver, factories.project(organization, f"P{round_}-{number}"))
                for number in range(3)
            ]

            answers = at_once(
                organization,
                partial(
                    services.agent_leaves, actor=manager, agent=leaver, successor=heir, reason="moved away", at=NOON
                ),
                *[
                    partial(services.transfer_assignment, actor=manager, assignment=each, successor=other, at=NOON)
                    for each in held
                ],
                partial(services.transfer_assignment, actor=manager, assignment=held[0], successor=leaver, at=NOON),
            )

            assert answers[0] == "done", (round_, answers)
            assert set(answers[1:4]) <= {"done", "assignment_ended"}, (round_, answers)
            assert not ProjectAssignment.objects.active().filter(agent=leaver).exists(), round_
            for each in held:
                assert ProjectAssignment.objects.active().filter(project=each.project_id).count() == 1, round_


def test_two_who_leave_and_name_each_other_are_not_both_gone(committed: str) -> None:
    organization, members = house()
    manager = Actor(organization, members[Role.MANAGER])
    with organization_scope(organization.pk):
        for round_ in range(ROUNDS):
            first, second = (
                factories.agent(Actor(organization, member(organization, Role.AGENT, f"{name}{round_}")))
                for name in ("First", "Second")
            )
            projects = [factories.project(organization, f"P{round_}-{number}") for number in range(4)]
            for number, project in enumerate(projects):
                factories.assignment((first, second)[number % 2], project)

            answers = at_once(
                organization,
                *[
                    partial(services.agent_leaves, actor=manager, agent=one, successor=other, reason="left", at=NOON)
                    for one, other in ((first, second), (second, first))
                ],
            )

            assert sorted(answers) == ["agent_not_active", "done"], round_
            stays = (first, second)[answers.index("agent_not_active")]
            work = ProjectAssignment.objects.active().filter(project__in=projects)
            assert list(work.values_list("agent", flat=True)) == [stays.pk] * 4


def test_two_who_verify_bank_details_while_a_third_changes_them_never_verify_what_they_did_not_see(
    committed: str,
) -> None:
    organization, members = house()
    manager = Actor(organization, members[Role.MANAGER])
    with organization_scope(organization.pk):
        admins = [Actor(organization, member(organization, Role.ADMIN, name)) for name in ("First", "Second")]
        agent = factories.agent(Actor(organization, members[Role.AGENT]))
        typed = {"holder": "Omar", "bank_name": "First Bank", "iban": "AE070331234567890123456"}
        services.set_bank_details(actor=manager, agent=agent, **typed)
        for round_ in range(ROUNDS):
            typed["holder"] = f"Omar {round_}"
            verify = [partial(services.verify_bank_details, actor=admin, agent=agent, at=NOON) for admin in admins]
            if round_ % 2:
                services.set_bank_details(actor=manager, agent=agent, **typed)
                assert at_once(organization, *verify) == ["done", "done"]
                verified = AuditEntry.objects.filter(action="crm.bank_details_verified")
                assert verified.count() >= 1
                assert BankDetails.objects.get().verified_by is not None
                continue
            answers = at_once(
                organization, *verify, partial(services.set_bank_details, actor=manager, agent=agent, **typed)
            )
            assert answers == ["done"] * 3, (round_, answers)
            assert BankDetails.objects.get().holder == typed["holder"]
