"""A house with a row of everything for each of three agents: Omar's, his teammate's, and somebody's of another team."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date

from django.apps import apps
from django.db import connection, models
from django.utils import timezone

from campaigns.models import Campaign, CampaignMessage, CampaignRules, Enrollment, MessagePrice, Segment, Sequence
from commissions import services as paying
from commissions.models import Method
from core import hooks
from core.accounts import invitations
from core.actors import Actor
from core.models import Export, Membership, Organization, SavedView
from core.money import to_decimal
from core.roles import Role
from core.services import issue_token, soft_delete
from crm import services
from crm.models import Agent, Contact, Project, Property, PropertyType
from crm.services import bulk, duplicates, merging
from crm.services.validation import Chosen, go_on
from ledger import services as books
from messaging import services as talk_services
from messaging.models import AssistantTurn, CannedReply, Channel, Notice, OfficeHours, WebhookEvent
from messaging.models.intake import OptOutScope
from sheets.models import Conflict, GoogleAccount, RowError, RowLink, Spreadsheet
from tests.campaigns import factories as campaigning
from tests.campaigns.sequences import drips
from tests.commissions import factories as earning
from tests.conftest import member
from tests.crm import factories
from tests.messaging import assistant
from tests.messaging import factories as talking
from tests.sheets.imports import bring

# Of nobody.
IBANS = ["AE070331234567890123456", "AE460090000000123456789", "AE030030000012345678901"]
HOUSE_IBAN = "AE260211000000230064016"
OWN, TEAM, OTHERS = "own", "team", "others"  # whose a row is, seen from Omar; Salim leads Omar and Bea, Huda is not his


@dataclass
class World:
    """Who tries, and which rows are whose."""

    actors: dict[str, Actor]
    rows: dict[type[models.Model], dict[str, list[int]]] = field(default_factory=dict)

    def one(self, model: type[models.Model], whose: str) -> int | None:
        found = self.rows.get(model, {}).get(whose, [])
        return found[0] if found else None

    @contextmanager
    def belonging(self, whose: str) -> Iterator[None]:
        """Every row that is made in the block is his."""
        before = {model: _keys(model) for model in _tables()}
        yield
        for model, known in before.items():
            if new := sorted(_keys(model) - known):
                self.rows.setdefault(model, {}).setdefault(whose, []).extend(new)


def _tables() -> list[type[models.Model]]:
    ours = {"core", "ledger", "sheets", "crm", "messaging", "campaigns", "commissions"}
    return [each for each in apps.get_models() if each._meta.app_label in ours]


def _keep_keys_apart() -> None:
    """No key of one table is one of another: a door that is asked with the wrong one never opens by chance."""
    with connection.cursor() as cursor:
        for place, model in enumerate(_tables(), start=1):
            if isinstance(model._meta.pk, models.AutoField):
                cursor.execute(
                    "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)",
                    [model._meta.db_table, model._meta.pk.column, 100 * place],
                )


def _keys(model: type[models.Model]) -> set[int]:
    return set(model._base_manager.values_list("pk", flat=True))


def build(house: Organization, manager: Actor, second_manager: Actor) -> World:
    """Somebody of every role, and everything that an agent may have, three times."""
    _keep_keys_apart()
    lead = member(house, Role.SUPERVISOR, "Salim")
    reports_to: dict[str, Membership | None] = {OWN: lead, TEAM: lead, OTHERS: None}
    names = {OWN: "Omar", TEAM: "Bea", OTHERS: "Huda"}
    agents = {whose: Actor(house, member(house, Role.AGENT, name, reports_to[whose])) for whose, name in names.items()}
    world = World({"manager": manager, "supervisor": Actor(house, lead), "agent": agents[OWN]})
    for role in Role:
        if role not in world.actors:
            world.actors[role] = Actor(house, member(house, role, f"The {role}"))
    for number, (whose, agent) in enumerate(agents.items(), start=1):
        with world.belonging(whose):
            _furnish(house, manager, second_manager, agent, number)
    with world.belonging(OWN):  # of the house: whose they are makes no difference
        _house(manager, world.actors["admin"])
    for whose, agent in agents.items():
        world.rows.setdefault(Membership, {})[whose] = [agent.membership.pk]  # type: ignore[union-attr]
    return world


def _house(manager: Actor, admin: Actor) -> None:
    """What there is one of: a search for duplicates, a validation, somebody who left, an address that is told things."""
    at = timezone.now()
    invitations.invite(actor=admin, email="noor@palm.example", name="Noor", role="agent", language="en", at=at)
    duplicates.start_search(actor=manager, at=at)
    odd = factories.contact(manager.organization, "Odd")
    factories.point(odd, "+97150123", status="unverified")
    run = services.start_validation(actor=manager, chosen=Chosen(kinds="numbers", older_than=0), at=at)
    go_on(organization=manager.organization, run_id=run.pk, clock=lambda: at)
    soft_delete(actor=manager, target=odd, at=at)
    CampaignRules.objects.create(organization=manager.organization, most_messages=3, per_days=30)
    MessagePrice.objects.create(
        organization=manager.organization,
        calling_code="971",
        category="MARKETING",
        micros=1,
        valid_from=earning.PAID_ON,
    )
    _pay_out(manager, admin)
    closing = books.close_period(actor=manager, through_on=date(2020, 1, 31), at=at)
    books.ask_to_reopen(actor=manager, closing=closing, reason="a receipt was forgotten", at=at)
    left, heir = factories.agent_of(manager.organization, "Lina"), factories.agent_of(manager.organization, "Heba")
    services.agent_leaves(actor=manager, agent=left, successor=heir, reason="moved", at=at)
    told, _ = hooks.add_endpoint(
        actor=admin, name="Books", url="https://books.example.com/", kinds=["unit.owners_changed"], at=at
    )
    hooks.send_test(actor=admin, endpoint=told, at=at)


def _pay_out(manager: Actor, admin: Actor) -> None:
    """What is due to the three agents, collected for the bank."""
    at = earning.AT
    for profile in Agent.objects.filter(bank_details__isnull=False):
        services.verify_bank_details(actor=admin, agent=profile, at=at)
    paying.set_paying_account(actor=admin, currency="AED", holder="Palm Brokers LLC", iban=HOUSE_IBAN, at=at)
    paying.create_payout(actor=manager, currency="AED", pay_on=earning.AT.date(), at=at)


def _furnish(house: Organization, manager: Actor, second_manager: Actor, agent: Actor, number: int) -> None:
    at = timezone.now()
    profile = factories.agent(agent)
    project = factories.project(house, f"Vardon {number}")
    factories.assignment(profile, project)
    owner = _owner(manager, profile, project, number)
    channel = campaigning.channel(house, number)
    campaigning.template(channel)
    _talk(manager, channel, owner, agent, number)
    _send(manager, second_manager, agent, project, channel, owner, number)
    _earn(manager, second_manager, agent, profile, number)
    services.save_filter(actor=agent, name="Mine", list="units", parameters={"q": ["Vardon"]})
    changed = bulk.choose_rows(actor=manager, noun="contact", rows=Contact.objects.filter(pk=owner.pk), filters={})
    bulk.preview_change(actor=manager, change=changed, action="tag", given={"tags": "vip"})
    bulk.confirm_change(actor=manager, change=changed, at=at)
    issue_token(actor=agent, name="till", at=at)
    Export.objects.create(
        organization=house, requested_by=agent.membership, list_name="crm.property", title="Units", format="csv"
    )
    SavedView.objects.create(
        organization=house, membership=agent.membership, list_name="crm.property", name="Sold", query="status=sold"
    )
    _bring(manager, number)


def _owner(manager: Actor, profile: Agent, project: Project, number: int) -> Contact:
    """A unit with its owner, who was there twice, looks like somebody else, was called, and must not be written to."""
    house, at = manager.organization, timezone.now()
    owner = factories.contact(house, f"Owner {number}", assigned_to=profile.membership)
    unit = factories.unit(project)
    factories.ownership(unit, owner)
    factories.point(owner, f"+97150123450{number}")
    factories.deal(unit, profile, seller=owner)
    PropertyType.objects.create(organization=house, name=f"Type {number}")
    twin, look_alike = (factories.contact(house, f"Owner {number}", assigned_to=profile.membership) for _ in range(2))
    merging.merge(actor=manager, noun="contact", survivor_id=owner.pk, other_id=twin.pk, at=at)
    duplicates.propose_duplicate(actor=manager, noun="contact", first_id=owner.pk, second_id=look_alike.pk, at=at)
    services.disclose_owner_number(actor=manager, contact=owner, reason="call", at=at)
    services.list_do_not_contact(actor=manager, text=f"+97152741865{number}", reason="asked", source="typed", at=at)
    services.set_bank_details(
        actor=manager,
        agent=profile,
        holder=profile.name,
        bank_name="Emirates NBD",
        iban=IBANS[number - 1],
        swift="EBILAEAD",
    )
    return owner


def _talk(manager: Actor, channel: Channel, owner: Contact, agent: Actor, number: int) -> None:
    house, at = manager.organization, timezone.now()
    talk = talking.conversation(channel, owner, address=f"97150123450{number}", assigned_to=agent.membership)
    heard = talking.message(talk, "Is it free?")
    talking.accepted(talk, recipient=f"97150123450{number}")
    CannedReply.objects.create(organization=house, shortcut=f"hello{number}", body="Hello", owner=agent.membership)
    talk_services.record_opt_out(
        actor=manager, contact=factories.contact(house, f"Silent {number}"), scope=OptOutScope.ALL, said="stop", at=at
    )
    WebhookEvent.objects.create(organization=house, body=b"{}", signature_verified=True, received_at=at)
    line = assistant.line(channel, [agent])
    assistant.connected(agent, f"97150999000{number}")
    AssistantTurn.objects.create(
        organization=house, message=heard, membership=agent.membership, line=line, at=at, outcome="waiting"
    )
    OfficeHours.objects.create(organization=house, channel=channel, week=[[["00:00", "24:00"]]] * 7)
    Notice.objects.create(
        organization=house, waba_id=channel.waba_id, kind="account", code=f"made{number}", digest=str(number), at=at
    )


def _send(
    manager: Actor, second: Actor, agent: Actor, project: Project, channel: Channel, owner: Contact, number: int
) -> None:
    """A campaign that the agent's supervisor sees, a segment, and a sequence that the owner is in."""
    house = manager.organization
    campaign = campaigning.draft(manager, project, [channel])
    Campaign.objects.filter(pk=campaign.pk).update(created_by=agent.membership)
    CampaignMessage.objects.create(
        organization=house, campaign=campaign, contact=owner, recipient=f"97150123450{number}"
    )
    Segment.objects.create(
        organization=house, name=f"Segment {number}", created_by=agent.membership,
        definition={"match": "all", "rows": [{"field": "person.bad", "is": "no"}]},
    )  # fmt: skip
    drip = drips.active(manager, second, channel)
    Sequence.objects.filter(pk=drip.pk).update(created_by=agent.membership)
    quiet = campaigning.owner(project, f"Quiet{number}", value=f"+97150123451{number}")  # with the other one we talk
    Contact.objects.filter(pk=quiet.pk).update(assigned_to=agent.membership)
    assert drips.enrol(manager, drip, [quiet.pk]) == {}
    Enrollment.objects.filter(sequence=drip).update(enrolled_by=agent.membership)


def _earn(manager: Actor, second_manager: Actor, agent: Actor, profile: Agent, number: int) -> None:
    made = earning.approved(manager, second_manager, earning.closed_deal(profile))
    earning.pay(manager, earning.parts(made)[0], "1000.00", f"TRF-{number}")
    disputed = earning.commission(manager, earning.closed_deal(profile))
    paying.dispute_commission(actor=agent, commission=disputed, reason="too little", at=earning.AT)
    by_parts = earning.approved(manager, second_manager, earning.closed_deal(profile))
    whole = to_decimal(by_parts.total_minor, by_parts.currency)
    [instalment] = paying.schedule_instalments(
        actor=manager, commission=by_parts, instalments=[(whole, earning.PAID_ON)], at=earning.AT
    )
    paying.record_receipt(
        actor=manager, instalment=instalment, amount="100.00", method=Method.CHEQUE, received_on=earning.PAID_ON,
        reference=f"CHQ-{number}", at=earning.AT,
    )  # fmt: skip
    paying.hold_back(actor=manager, commission=made, basis_points=100, reason="keys", at=earning.AT)
    taken = paying.adjust_commission(
        actor=manager, commission=made, agent=profile, amount="-50.00", reason="keys lost", at=earning.AT
    )
    paying.approve_commission(actor=second_manager, commission=taken, at=earning.AT)
    paying.record_repayment(
        actor=manager, owing=profile, amount="50.00", currency="AED", method=Method.CASH, received_on=earning.PAID_ON,
        reference=f"CASH-{number}", at=earning.AT,
    )  # fmt: skip


def _bring(manager: Actor, number: int) -> None:
    """A file with a bad cell, and a sheet that disagrees with us."""
    house = manager.organization
    account = GoogleAccount.objects.create(organization=house, email=f"office{number}@example.com", key="{}")
    sheet = Spreadsheet.objects.create(
        organization=house, table="crm.units", name=f"Sheet {number}", provider="google", account=account,
        document_id=f"made-{number}", tab_id=number, status="synced",
    )  # fmt: skip
    mobile = f"050 123 46{number}0"
    run = bring(
        manager, {"P-NUMBER": f"9{number}", "PROJECT": f"Acuna {number}", "NAME": f"Row {number}", "MOBILE": mobile}
    )
    unit = Property.objects.get(organization=house, p_number=f"9{number}")
    row = {"row": 2, "row_key": str(number)}
    link = RowLink.objects.create(
        organization=house, spreadsheet=sheet, fingerprint=b"1", object_id=unit.pk, base={}, app={}, **row
    )
    Conflict.objects.create(
        organization=house, spreadsheet=sheet, link=link, run=run, row=2, field="view", column="View", base="",
        ours="Sea", theirs="Garden",
    )  # fmt: skip
    RowError.objects.create(
        organization=house, run=run, row=2, column="MOBILE", value="x", severity="warning", code="phone_review",
        message="A person must say which number it is.",
    )  # fmt: skip
