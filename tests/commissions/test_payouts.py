"""From what is due to the bank and back: collected, approved by another, sent as a file, answered line by line."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import xmlschema
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client

from commissions import services
from commissions.errors import (
    BeneficiaryMayNotDecide,
    InPayout,
    NothingToPayOut,
    NotPayable,
    PayoutInvalid,
    PayoutNotThere,
    PayoutSelfApproval,
    PayoutStale,
    PayoutUnknown,
)
from commissions.models import (
    CommissionPayment,
    LineState,
    PayoutApproval,
    PayoutBatch,
    PayoutItem,
    PayoutLine,
    PayoutStatus,
    SplitRole,
    Status,
)
from commissions.splitting import ShareKind
from core.actors import Actor
from core.encryption import encrypt
from core.errors import NotAllowed
from core.models import AuditEntry, Organization
from core.roles import Role
from core.tenancy import organization_scope
from crm import services as crm
from crm.models import Agent, BankDetails
from ledger import verification
from tests.commissions.factories import AT, approved, closed_deal, parts, pay, plan, referrer, sales_profile, share
from tests.commissions.test_races import at_once
from tests.commissions.test_worked_examples import books
from tests.live import house

TODAY = date(2026, 3, 10)
IBAN, OTHER_IBAN, HOUSE_IBAN = "AE070331234567890123456", "AE460090000000123456789", "AE260211000000230064016"
SCHEMA = Path(__file__).parent / "pain.001.001.09.xsd"


def with_bank(actor: Actor, verifier: Actor, agent: Agent, iban: str = IBAN, **more: str) -> Agent:
    """The agent's bank details, written down by one and verified by another."""
    crm.set_bank_details(
        actor=actor, agent=agent, holder=agent.name, bank_name="Emirates NBD", iban=iban, **{"swift": "EBILAEAD"} | more
    )
    crm.verify_bank_details(actor=verifier, agent=agent, at=AT)
    return agent


def payout(actor: Actor) -> services.Collected:
    return services.create_payout(actor=actor, currency="AED", pay_on=TODAY, at=AT)


def account(admin: Actor) -> None:
    services.set_paying_account(
        actor=admin, currency="AED", holder="Palm Brokers LLC", iban=HOUSE_IBAN, swift="NBADAEAA", at=AT
    )


def test_a_payout_from_collecting_to_the_answer_of_the_bank(
    manager: Actor, second_manager: Actor, admin: Actor, agent: Actor, other_agent: Actor
) -> None:
    """Omar is due 12,500.00 and 5,000.00: one transfer of 17,500.00. Huda's 7,500.00 comes back and is due again."""
    omar = with_bank(manager, admin, sales_profile(agent))
    huda = with_bank(manager, admin, sales_profile(other_agent), OTHER_IBAN, swift="")
    first = approved(manager, second_manager, closed_deal(omar))
    approved(manager, second_manager, closed_deal(omar, 200_000_00))
    hers = approved(manager, second_manager, closed_deal(huda, 300_000_00))
    account(admin)

    batch = payout(manager).batch
    assert [(line.agent, line.amount_minor) for line in batch.lines.order_by("position")] == [
        (omar, 17_500_00),
        (huda, 7_500_00),
    ]
    with pytest.raises(PayoutNotThere, match="Only an approved payout"):
        services.payout_file(actor=admin, batch=batch, format=services.BankFormat.XML, at=AT)
    services.approve_payout(actor=second_manager, batch=batch, at=AT)

    file = services.payout_file(actor=admin, batch=batch, format=services.BankFormat.XML, at=AT)
    xmlschema.XMLSchema(SCHEMA).validate(file.decode())
    document: Any = xmlschema.XMLSchema(SCHEMA).to_dict(file.decode())
    told = document["CstmrCdtTrfInitn"]
    assert (told["GrpHdr"]["MsgId"], told["GrpHdr"]["NbOfTxs"]) == (batch.reference, "2")
    assert str(told["GrpHdr"]["CtrlSum"]) == "25000.00"
    [block] = told["PmtInf"]
    assert block["DbtrAcct"]["Id"]["IBAN"] == HOUSE_IBAN
    assert block["ReqdExctnDt"]["Dt"] == "2026-03-10"
    paid_to = [(line["CdtrAcct"]["Id"]["IBAN"], line["PmtId"]["EndToEndId"]) for line in block["CdtTrfTxInf"]]
    assert paid_to == [(IBAN, f"PO{batch.pk}-1"), (OTHER_IBAN, f"PO{batch.pk}-2")]
    assert services.payout_file(actor=admin, batch=batch, format=services.BankFormat.XML, at=AT) == file
    rows = services.payout_file(actor=admin, batch=batch, format=services.BankFormat.CSV, at=AT).decode().splitlines()
    assert rows[1].split(",")[:6] == [f"PO{batch.pk}-1", omar.name, IBAN, "EBILAEAD", "17500.00", "AED"]

    to_omar, to_huda = batch.lines.order_by("position")
    services.confirm_line(actor=manager, line=to_omar, paid_on=TODAY, at=AT)
    services.confirm_line(actor=manager, line=to_huda, paid_on=TODAY, at=AT)
    first.refresh_from_db()
    hers.refresh_from_db()
    batch.refresh_from_db()
    assert (first.status, hers.status, batch.status) == (Status.PAID, Status.PAID, PayoutStatus.SETTLED)
    services.return_line(actor=manager, line=to_huda, reason="Account closed", at=AT)

    hers.refresh_from_db()
    assert hers.status == Status.APPROVED
    assert books(manager)["bank:AED"] == (0, 17_500_00)
    assert verification.verify(manager.organization).findings == ()
    again = payout(manager).batch
    assert [(line.agent, line.amount_minor) for line in again.lines.all()] == [(huda, 7_500_00)]
    taken = AuditEntry.objects.filter(action="commissions.payout_file_taken")
    assert [entry.after["format"] for entry in taken.order_by("id")] == ["xml", "xml", "csv"]
    assert IBAN not in str(list(AuditEntry.objects.values_list("after", flat=True)))


def test_who_is_left_out_and_why(
    manager: Actor, second_manager: Actor, admin: Actor, agent: Actor, other_agent: Actor
) -> None:
    omar, huda, mona = sales_profile(agent), sales_profile(other_agent), sales_profile(manager)
    with_bank(second_manager, admin, mona)
    crm.set_bank_details(actor=manager, agent=huda, holder="Huda", bank_name="ENBD", iban=IBAN)
    layla = referrer(manager)
    shares = [
        share(ShareKind.PERCENT, 1000, SplitRole.REFERRER, contact_id=layla.pk),
        share(ShareKind.REST, 5000, agent_id=omar.pk),
        share(ShareKind.REST, 3000, agent_id=huda.pk),
        share(ShareKind.REST, 2000, agent_id=mona.pk),
    ]
    approved(second_manager, admin, closed_deal(omar), shares=shares, plan_version=plan(manager))

    with pytest.raises(NothingToPayOut) as refused:
        payout(manager)
    assert len(refused.value.details["left_out"]) == 4
    assert not PayoutBatch.objects.exists()

    made = payout(second_manager)
    assert sorted(left.why for left in made.left_out) == [
        "a referrer outside the house has no bank details here: pay by hand",
        f"no bank details of {omar.name} are known",
        f"the bank details of {huda.name} are not verified",
    ]
    assert [line.agent for line in made.batch.lines.all()] == [mona]
    with pytest.raises(BeneficiaryMayNotDecide):
        services.approve_payout(actor=manager, batch=made.batch, at=AT)


def test_four_eyes(manager: Actor, second_manager: Actor, admin: Actor, agent: Actor, outsider: Actor) -> None:
    approved(manager, second_manager, closed_deal(with_bank(manager, admin, sales_profile(agent))))
    batch = payout(manager).batch
    line = batch.lines.get()

    with pytest.raises(PayoutSelfApproval):
        services.approve_payout(actor=manager, batch=batch, at=AT)
    with pytest.raises(DatabaseError, match="nobody approves a payout they made"), transaction.atomic():
        PayoutApproval.objects.create(
            organization=manager.organization, batch=batch, approved_by=manager.membership, at=AT
        )
    with pytest.raises(DatabaseError, match="nobody approved payout"), transaction.atomic():
        PayoutBatch.objects.filter(pk=batch.pk).update(status="approved")
    with pytest.raises(NotAllowed):
        services.approve_payout(actor=agent, batch=batch, at=AT)
    with pytest.raises(PayoutUnknown):
        services.approve_payout(actor=outsider, batch=batch, at=AT)
    with pytest.raises(PayoutNotThere):
        services.confirm_line(actor=manager, line=line, paid_on=TODAY, at=AT)
    assert not CommissionPayment.objects.exists()

    services.approve_payout(actor=second_manager, batch=batch, at=AT)
    with pytest.raises(PayoutNotThere):
        services.approve_payout(actor=second_manager, batch=batch, at=AT)
    with pytest.raises(NotAllowed):  # a manager does not read account numbers
        services.payout_file(actor=manager, batch=batch, format=services.BankFormat.CSV, at=AT)
    with pytest.raises(PayoutInvalid, match="out of which account"):
        services.payout_file(actor=admin, batch=batch, format=services.BankFormat.CSV, at=AT)


def test_what_waits_in_a_payout_is_paid_in_no_other_way(
    manager: Actor, second_manager: Actor, admin: Actor, agent: Actor
) -> None:
    made = approved(manager, second_manager, closed_deal(with_bank(manager, admin, sales_profile(agent))))
    batch = payout(manager).batch
    line, split = batch.lines.get(), parts(made)[0]

    with pytest.raises(NothingToPayOut):
        payout(second_manager)
    with pytest.raises(InPayout):
        pay(manager, split, "1.00", "T-1")
    with pytest.raises(InPayout):
        services.cancel_commission(actor=second_manager, commission=made, reason="x", at=AT)
    with pytest.raises(IntegrityError, match="payout_item_open_once"), transaction.atomic():
        PayoutItem.objects.create(organization=manager.organization, line=line, split=split, amount_minor=1)
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        PayoutItem.objects.update(is_open=False)
    for statement in (
        "UPDATE commissions_payoutline SET amount_minor = 1",
        "DELETE FROM commissions_payoutline",
        "TRUNCATE commissions_payoutbatch CASCADE",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)

    services.cancel_payout(actor=second_manager, batch=batch, reason="Wrong day", at=AT)
    assert (PayoutLine.objects.get().state, PayoutItem.objects.get().is_open) == (LineState.DROPPED, False)
    pay(manager, split, "1.00", "T-1")
    assert payout(manager).batch.lines.get().amount_minor == 12_499_00


def test_what_changed_since_is_not_approved(manager: Actor, second_manager: Actor, admin: Actor, agent: Actor) -> None:
    omar = with_bank(manager, admin, sales_profile(agent))
    made = approved(manager, second_manager, closed_deal(omar))
    batch = payout(manager).batch
    dispute = services.dispute_commission(actor=agent, commission=made, reason="It was 3 %", at=AT)
    with pytest.raises(PayoutStale, match="not payable any more"):
        services.approve_payout(actor=second_manager, batch=batch, at=AT)
    services.resolve_dispute(actor=second_manager, dispute=dispute, resolution="No", at=AT)
    services.approve_payout(actor=second_manager, batch=batch, at=AT)
    account(admin)

    with_bank(manager, admin, omar, OTHER_IBAN)  # somebody else's account, verified in good faith

    with pytest.raises(PayoutStale, match=r"bank details .* changed"):
        services.payout_file(actor=admin, batch=batch, format=services.BankFormat.XML, at=AT)


def test_a_dispute_on_the_way_waits_for_its_answer(
    manager: Actor, second_manager: Actor, admin: Actor, agent: Actor
) -> None:
    made = approved(manager, second_manager, closed_deal(with_bank(manager, admin, sales_profile(agent))))
    batch = payout(manager).batch
    services.approve_payout(actor=second_manager, batch=batch, at=AT)
    dispute = services.dispute_commission(actor=agent, commission=made, reason="It was 3 %", at=AT)

    with pytest.raises(NotPayable, match="resolve the dispute first"):
        services.confirm_line(actor=manager, line=batch.lines.get(), paid_on=TODAY, at=AT)
    services.resolve_dispute(actor=second_manager, dispute=dispute, resolution="No", at=AT)
    services.confirm_line(actor=manager, line=batch.lines.get(), paid_on=TODAY, at=AT)
    made.refresh_from_db()
    assert made.status == Status.PAID


def test_a_claw_back_is_set_off_in_the_next_payout(
    manager: Actor, second_manager: Actor, admin: Actor, agent: Actor
) -> None:
    """8,000.00 to recover. A payout of 5,000.00 is set off whole; the next of 12,500.00 sends 9,500.00."""
    omar = with_bank(manager, admin, sales_profile(agent))
    lost = approved(manager, second_manager, closed_deal(omar))
    pay(manager, parts(lost)[0], "8000.00", "T-1")
    services.cancel_commission(actor=second_manager, commission=lost, reason="Withdrew", at=AT, claw_back=True)
    approved(manager, second_manager, closed_deal(omar, 200_000_00))

    first = payout(manager).batch
    approved(manager, second_manager, closed_deal(omar))
    second = payout(manager).batch

    first.refresh_from_db()
    assert (first.status, first.lines.count()) == (PayoutStatus.SETTLED, 0)
    assert second.lines.get().amount_minor == 9_500_00
    assert f"clawback:agent:{omar.pk}:AED" not in books(manager)
    assert verification.verify(manager.organization).findings == ()


def test_bad_answers(manager: Actor, second_manager: Actor, admin: Actor, agent: Actor) -> None:
    made = approved(manager, second_manager, closed_deal(with_bank(manager, admin, sales_profile(agent))))
    with pytest.raises(PayoutInvalid):
        services.create_payout(actor=manager, currency="AED", pay_on=TODAY - timedelta(days=1), at=AT)
    with pytest.raises(NothingToPayOut):
        services.create_payout(actor=manager, currency="USD", pay_on=TODAY, at=AT)
    for iban in ("AE070331234567890123457", "", "12"):
        with pytest.raises(PayoutInvalid):
            services.set_paying_account(actor=admin, currency="AED", holder="Palm", iban=iban, at=AT)
    batch = payout(manager).batch
    services.approve_payout(actor=second_manager, batch=batch, at=AT)
    line = batch.lines.get()
    services.return_line(actor=manager, line=line, reason="No such account", at=AT)  # refused before it was paid
    for again in (
        lambda: services.confirm_line(actor=manager, line=line, paid_on=TODAY, at=AT),
        lambda: services.return_line(actor=manager, line=line, reason="Twice", at=AT),
        lambda: services.cancel_payout(actor=second_manager, batch=batch, reason="Late", at=AT),
    ):
        with pytest.raises(PayoutNotThere):
            again()
    made.refresh_from_db()
    assert (made.status, CommissionPayment.objects.count()) == (Status.APPROVED, 0)


@pytest.mark.timeout(300)
def test_eight_at_once_pay_once(committed: str) -> None:
    """Eight collect, then eight confirm the same line, at the same instant: one batch, one payment."""
    organization, members = house()
    with organization_scope(organization.pk):
        maker, approver = Actor(organization, members[Role.MANAGER]), Actor(organization, members[Role.ADMIN])
        omar = with_bank(maker, approver, sales_profile(Actor(organization, members[Role.AGENT])))
        version = plan(maker)
        for turn in range(5):
            made = approved(maker, approver, closed_deal(omar), plan_version=version)

            collected = at_once(organization, lambda _: payout(maker))
            assert collected == {"won": 1, "nothing_to_pay_out": 7}
            batch = PayoutBatch.objects.order_by("-pk")[0]
            services.approve_payout(actor=approver, batch=batch, at=AT)
            line = batch.lines.get()
            confirmed = at_once(
                organization,
                lambda _: services.confirm_line(actor=maker, line=line, paid_on=TODAY, at=AT),  # noqa: B023
            )

            assert confirmed == Counter({"won": 1, "payout_not_at_that_stage": 7})
            assert CommissionPayment.objects.count() == turn + 1
            made.refresh_from_db()
            assert made.status == Status.PAID
        assert verification.verify(organization).findings == ()


def test_an_accountant_pays_out_in_the_back_office(
    organization: Organization, manager: Actor, second_manager: Actor, admin: Actor, agent: Actor, client: Client
) -> None:
    omar = with_bank(manager, admin, sales_profile(agent))
    approved(manager, second_manager, closed_deal(omar))
    batches, lines = "/o/palm/admin/commissions/payoutbatch/", "/o/palm/admin/commissions/payoutline/"
    client.force_login(admin.user)
    form = {"currency": "AED", "holder": "Palm Brokers LLC", "iban": HOUSE_IBAN, "swift": ""}
    assert client.post(f"{batches}our-account/", form).status_code == 302
    client.force_login(manager.user)
    assert client.post(f"{batches}new-payout/", {"currency": "AED", "pay_on": "2999-12-31"}).status_code == 302
    with organization_scope(organization.pk):
        batch = PayoutBatch.objects.get()
        line = batch.lines.get()
    own = client.post(f"{batches}{batch.pk}/approve/")
    assert "somebody else must approve it" in own.content.decode()
    client.force_login(admin.user)
    assert client.post(f"{batches}{batch.pk}/approve/").status_code == 302
    file = client.get(f"{batches}{batch.pk}/file-xml/")
    assert (file.status_code, file["Content-Type"]) == (200, "application/xml")
    xmlschema.XMLSchema(SCHEMA).validate(file.content.decode())
    assert client.post(lines, {"action": "confirm_selected", "_selected_action": [line.pk]}).status_code == 302
    assert client.post(f"{lines}{line.pk}/came-back/", {"reason": "Account closed"}).status_code == 302
    page = client.get(f"{batches}{batch.pk}/change/").content.decode()
    assert "Account closed" in page
    assert IBAN not in page
    assert client.get(lines).status_code == client.get(batches).status_code == 200
    with organization_scope(organization.pk):
        assert PayoutLine.objects.get().state == LineState.RETURNED


def test_account_numbers_are_ciphertext(manager: Actor, admin: Actor) -> None:
    account(admin)
    with connection.cursor() as cursor:
        cursor.execute("SELECT iban FROM commissions_payingaccount")
        [[stored]] = cursor.fetchall()
    assert HOUSE_IBAN not in stored
    assert len(stored) == len(encrypt(HOUSE_IBAN))
    assert not BankDetails.objects.exists()
