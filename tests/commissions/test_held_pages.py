"""What is approved and may not be paid yet, at the door of the pages: apart from what is due, and why."""

from __future__ import annotations

from datetime import date

from commissions import services
from commissions.models import Method, Receipt
from tests.commissions import factories
from tests.commissions.doors import Door
from tests.commissions.test_pages import figures


def wait_for_the_client(house, manager):
    """Of the shared deal (7,500.00 are Omar's) the client paid 10,000.00 of 12,500.00, and his second cheque bounced; of
    Omar's own (25,000.00, of which 5,000.00 are paid) 10 % are held back. Due to Omar: 6,000.00 and 17,500.00; 1,500.00
    and 2,500.00 are not payable yet."""
    schedule = [("10000.00", date(2026, 3, 1)), ("2500.00", date(2026, 4, 1))]
    first, second = services.schedule_instalments(
        actor=manager, commission=house["shared"], instalments=schedule, at=factories.AT
    )
    taken = {"actor": manager, "method": Method.CHEQUE, "received_on": factories.PAID_ON, "at": factories.AT}
    services.record_receipt(instalment=first, amount="10000.00", reference="CHQ-100", **taken)
    bounced = services.record_receipt(instalment=second, amount="2500.00", reference="CHQ-101", **taken)
    services.reverse_receipt(actor=manager, receipt=bounced, reason="No cover", at=factories.AT)
    services.hold_back(
        actor=manager, commission=house["own"], basis_points=1000, reason="Until the keys", at=factories.AT
    )


def test_due_leaves_out_what_may_not_be_paid_and_each_figure_opens_its_rows(house, agent, manager):
    wait_for_the_client(house, manager)
    door = Door(agent)

    shown = figures(door.text("my-commissions"))

    assert [amount for address, amount in shown if "show=due" in address] == ["AED 23,500.00"]
    assert [amount for address, amount in shown if "show=held" in address] == ["AED 4,000.00"]
    for address, amount in shown:
        listed = door.client.get(address.replace("&amp;", "&")).content.decode()
        assert amount in listed or amount == "AED 0.00", address
    team = figures(Door(manager).text("commission-team"))
    for what, amounts in (("due", ["AED 23,500.00", "AED 4,000.00"]), ("held", ["AED 4,000.00", "AED 1,000.00"])):
        assert [amount for address, amount in team if f"show={what}" in address] == amounts
    assert "AED 4,000.00" in door.text("commission-forecast")


def test_an_agent_reads_what_the_client_paid_what_bounced_and_what_is_held_back(house, agent, other_agent, manager):
    wait_for_the_client(house, manager)

    shared = Door(agent).text("commission", house["shared"].pk)
    own = Door(agent).text("commission", house["own"].pk)

    for word in ("AED 10,000.00 of AED 12,500.00 received", "CHQ-100", "CHQ-101: No cover", "AED 6,000.00"):
        assert word in shared
    for word in ("10 % of each part is held back.", "Until the keys", "AED 17,500.00"):
        assert word in own
    assert "AED 6,000.00" not in Door(other_agent).text("commission", house["shared"].pk)

    services.release_hold_back(actor=manager, commission=house["own"], reason="Handed over", at=factories.AT)
    let_go = Door(agent).text("commission", house["own"].pk)
    assert "of each part is held back" not in let_go
    assert "Handed over" in let_go


def test_a_cheque_of_a_client_that_bounced_is_among_the_exceptions(house, agent, manager):
    assert "that bounced" not in Door(manager).text("commission-exceptions")
    wait_for_the_client(house, manager)

    page = Door(manager).text("commission-exceptions")

    for word in ("that bounced", "CHQ-101", "No cover", "AED 2,500.00"):
        assert word in page
    assert "CHQ-100" not in page


def test_a_commission_costs_the_same_however_much_came_of_it(house, manager, django_assert_num_queries):
    wait_for_the_client(house, manager)
    door, shared = Door(manager), house["shared"]
    for number in range(4):
        services.record_receipt(
            actor=manager,
            instalment=shared.instalments.get(position=2),
            amount="500.00",
            method=Method.CHEQUE,
            received_on=factories.PAID_ON,
            reference=f"CHQ-20{number}",
            at=factories.AT,
        )
    door.get("commission", shared.pk)

    # who asks, and then: the commission, its parts, payments, decisions, instalments, receipts, bounced ones, hold-back
    with django_assert_num_queries(17):
        door.get("commission", house["shared"].pk)


def test_bounced_cheques_are_a_list_of_their_own_until_they_are_made_good(house, manager, browse):
    wait_for_the_client(house, manager)
    office = browse(manager)

    figures = office.get("").context
    [card] = [each for each in figures["figures"] + figures["others"] if str(each["title"]) == "Bounced cheques"]
    assert card["count"] == 1
    assert card["address"].endswith("/commissions/receipt/?stands=owed")
    listed = {asked: _references(office, asked) for asked in ("", "yes", "no", "owed")}
    assert listed == {
        "": ["CHQ-101", "CHQ-100"], "yes": ["CHQ-100"], "no": ["CHQ-101"], "owed": ["CHQ-101"],
    }  # fmt: skip
    ticked = {"action": "export_csv", "_selected_action": [Receipt.objects.get(reference="CHQ-101").pk]}
    file = b"".join(office.post("commissions/receipt/", **ticked).streaming_content).decode()
    assert "No cover,Mona," in file

    again = Receipt.objects.get(reference="CHQ-101").instalment
    services.record_receipt(
        actor=manager, instalment=again, amount="2500.00", reference="CHQ-102", method=Method.CHEQUE,
        received_on=factories.PAID_ON, at=factories.AT,
    )  # fmt: skip
    assert _references(office, "owed") == []
    assert _references(office, "no") == ["CHQ-101"]


def _references(office, asked):
    page = office.get(f"commissions/receipt/?stands={asked}" if asked else "commissions/receipt/")
    return [row.reference for row in page.context["cl"].result_list]
