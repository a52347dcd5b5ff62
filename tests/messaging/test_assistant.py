"""What agents ask the assistant, and what stands on their phones then: the table of docs/assistant.md, by signed webhooks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core.actors import Actor
from crm.models import Contact, OwnerDisclosure, Project, Property
from messaging.models import AssistantTurn, Channel, Message, OptOut
from tests.crm import factories as crm
from tests.messaging import assistant, factories
from tests.messaging.assistant import Phone

NOURA, OMAR = "+971501234567", "+971507654321"


@pytest.fixture
def zinnia(organization) -> Project:
    return crm.project(organization, "Zinnia Park", master_project="Damac Hills 2", number=7)


@pytest.fixture
def villa(zinnia: Project) -> Property:
    """Villa 45 of cluster Zinnia, owned by Noura and Omar, beside villa 46 of the same municipality number."""
    made = crm.unit(
        zinnia, p_number="12345", unit_number="45", cluster="Zinnia", municipality_number="6810001",
        registration="AKOYA OXYGEN-XG1234B",
    )  # fmt: skip
    noura, omar = crm.contact(zinnia.organization, "Noura Example"), crm.contact(zinnia.organization, "Omar Example")
    crm.point(noura, NOURA, is_primary=True)
    crm.point(omar, OMAR)
    crm.ownership(made, noura, is_primary=True)
    crm.ownership(made, omar)
    other = crm.unit(zinnia, unit_number="46", cluster="Zinnia", municipality_number="6810001", p_number="12346")
    neighbour = crm.contact(zinnia.organization, "Neighbour Example")
    crm.point(neighbour, "+971501111111")
    crm.ownership(other, neighbour)
    return made


@pytest.fixture
def elsewhere(organization) -> Property:
    """A unit of a project that nobody here works on."""
    made = crm.unit(crm.project(organization, "Elsewhere"), unit_number="9", cluster="Roses", p_number="99999")
    stranger = crm.contact(organization, "Secret Example")
    crm.point(stranger, "+971502222222")
    crm.ownership(made, stranger)
    return made


@pytest.fixture
def phone(sandbox, channel: Channel, agent: Actor, zinnia: Project) -> Phone:
    """Of an agent who works on the project, connected, on a number that has an assistant."""
    crm.assignment(crm.agent(agent), zinnia)
    assistant.line(channel)
    assistant.connected(agent)
    return Phone(channel, sandbox.received)


WAYS = [
    "House Number/Municipality Number=45/6810001\n", "house number / municipality number = ٤٥ / ٦٨١٠٠٠١", "45/6810001",
    "45-IN-Zinnia", "45 - in - zinnia ", "owner of villa 45 in Zinnia please", "who owns unit 45 Zinnia",
    "رقم مالك فيلا ٤٥ في Zinnia", "P-12345", "p number 12345", "owner of P 12345", "registration AKOYA OXYGEN-XG1234B",
    "owner akoya oxygen-xg1234b", "municipality number 6810001 villa 45",
]  # fmt: skip


@pytest.mark.parametrize("text", WAYS)
def test_an_owner_is_found_however_he_is_asked_for(phone: Phone, villa: Property, text: str) -> None:
    [answer] = phone.write(text)

    assert answer.splitlines() == [
        "Zinnia 45 · Zinnia Park · P-12345", "", "Noura Example", NOURA, "", "Omar Example", OMAR,
    ]  # fmt: skip


def test_what_was_given_is_kept_and_the_thread_shows_no_number(phone: Phone, agent: Actor, villa: Property) -> None:
    phone.write("45-IN-Zinnia\n")

    given = OwnerDisclosure.objects.order_by("pk")
    assert [(each.membership_id, each.door, each.contact.display_name, each.reason) for each in given] == [
        (agent.membership.pk, "assistant", "Noura Example", "Zinnia 45: 45-IN-Zinnia"),
        (agent.membership.pk, "assistant", "Omar Example", "Zinnia 45: 45-IN-Zinnia"),
    ]
    turn = AssistantTurn.objects.get()
    assert (turn.request, turn.outcome) == ("owner", "answered")
    assert turn.summary == "Zinnia 45 · Zinnia Park · P-12345: Noura Example +97150•••67, Omar Example +97150•••21"
    kept = Message.objects.get(direction="outbound")
    assert "+97150•••67" in kept.body
    assert "501234567" not in kept.body + str(kept.payload)
    assert turn.answer == kept


def test_the_old_dialogue_goes_on_from_the_request_to_the_template(phone: Phone, villa: Property) -> None:
    [prompt] = phone.write("Kindly share the mobile number of the owner")
    [answer] = phone.write("House Number/Municipality Number=45/6810001")
    assert "House Number/Municipality Number=" in prompt
    assert NOURA in answer

    phone.write("kindly share the secondary mobile number of the owner \n")
    assert NOURA in phone.write("45 zinnia")[0]


def test_several_units_are_offered_and_a_number_chooses(phone: Phone, villa: Property) -> None:
    [offered] = phone.write("municipality number 6810001")
    assert offered.splitlines() == [
        "2 units fit. Answer with a number:",
        "1. Zinnia 45 · Zinnia Park · P-12345",
        "2. Zinnia 46 · Zinnia Park · P-12346",
    ]
    assert OwnerDisclosure.objects.count() == 0

    assert "+971501111111" in phone.write("2")[0]
    assert NOURA in phone.write("١")[0]
    assert phone.write("7") == ["Choose a number from 1 to 2."]
    assert NOURA in phone.write("#1")[0]


def test_what_is_pressed_stands_for_the_list_it_was_in(phone: Phone, villa: Property, zinnia: Project) -> None:
    for number in ("61", "62"):
        crm.unit(zinnia, unit_number=number, cluster="Mimosa", municipality_number="6810003")
    phone.write("municipality number 6810001")
    first = phone.choices()
    assert [title for _, title in first] == ["1. Zinnia 45 · Zinnia Pa", "2. Zinnia 46 · Zinnia Pa"]

    phone.write("municipality number 6810003")

    assert "+971501111111" in phone.press(first[1])[0]
    AssistantTurn.objects.update(at=timezone.now() - timedelta(minutes=16))
    assert "nothing to choose" in phone.press(first[0])[0]


def test_a_number_that_quotes_a_list_chooses_from_that_list(phone: Phone, villa: Property, zinnia: Project) -> None:
    phone.write("municipality number 6810001")
    offered = Message.objects.get(direction="outbound")
    phone.write("ping")

    assert NOURA in phone.write("1", context={"id": offered.provider_id})[0]


def test_nobody_presses_what_was_offered_to_another(
    phone: Phone, villa: Property, sandbox, channel: Channel, other_agent: Actor
) -> None:
    phone.write("municipality number 6810001")
    assistant.connected(other_agent, "971509990009")

    answer = Phone(channel, sandbox.received, "971509990009").press(phone.choices()[0])

    assert "nothing to choose" in answer[0]
    assert OwnerDisclosure.objects.count() == 0


def test_many_that_fit_are_cut_and_more_is_asked_for(phone: Phone, zinnia: Project) -> None:
    for number in range(1, 13):
        crm.unit(zinnia, unit_number=str(number), cluster="Mimosa", municipality_number="6810002")

    [offered] = phone.write("بلدية 6810002")

    lines = offered.splitlines()
    assert (len(lines), lines[0]) == (11, "وجدت 10+ وحدة، وهذه أولها. أجب برقم، أو زد في التحديد مثل رقم المنزل:")
    assert "Mimosa 10" in lines[-1]


def test_words_that_only_look_like_a_unit_give_nothing_before_a_choice(phone: Phone, villa: Property) -> None:
    [offered] = phone.write("zinnia 45")
    assert offered.splitlines()[1:] == ["1. Zinnia 45 · Zinnia Park · P-12345"]
    assert OwnerDisclosure.objects.count() == 0

    assert NOURA in phone.write("1")[0]


def test_what_is_not_his_and_what_is_not_there_sound_alike(phone: Phone, elsewhere: Property) -> None:
    [not_his] = phone.write("P-99999")
    [not_there] = phone.write("P-88888")

    assert not_his == not_there
    assert "no such unit" in not_his
    assert "no such unit" in phone.write("9-IN-Roses")[0]
    assert OwnerDisclosure.objects.count() == 0
    assert set(AssistantTurn.objects.values_list("outcome", flat=True)) == {"not_found"}


def test_a_manager_finds_everything(sandbox, channel: Channel, manager: Actor, elsewhere: Property) -> None:
    assistant.line(channel)
    assistant.connected(manager)

    assert "+971502222222" in Phone(channel, sandbox.received).write("9-IN-Roses")[0]


def test_the_hourly_limit_is_said_and_reported(phone: Phone, zinnia: Project, villa: Property, monkeypatch) -> None:
    monkeypatch.setattr("crm.services.disclosures.LIMIT", 3)

    phone.write("45-IN-Zinnia")
    [last] = phone.write("P-12345")
    assert last.splitlines()[-1].startswith("You were given 3 owners' numbers within an hour")
    assert (NOURA in last, OMAR in last) == (True, False)
    assert phone.write("رقم مالك فيلا 45 في Zinnia") == ["أُعطيت أرقام 3 مالكاً خلال ساعة، وهذا هو الحد. اسأل لاحقاً."]
    assert OwnerDisclosure.objects.count() == 3
    from crm.models import DisclosureAlert

    assert DisclosureAlert.objects.get().door == "assistant"


def test_who_said_stop_and_who_is_a_bad_contact_is_marked(phone: Phone, villa: Property) -> None:
    noura = Contact.objects.get(display_name="Noura Example")
    Contact.objects.filter(display_name="Omar Example").update(is_bad_contact=True)
    OptOut.objects.create(
        organization=villa.organization, contact=noura, source="keyword", at=noura.created_at, said="STOP"
    )

    [answer] = phone.write("P-12345")

    assert "Noura Example (said stop to offers)" in answer
    assert "Omar Example (bad contact)" in answer


def test_owners_without_a_number_and_units_without_an_owner(phone: Phone, zinnia: Project) -> None:
    bare = crm.unit(zinnia, p_number="555")
    assert phone.write("P-555") == ["555 · Zinnia Park: no owner is known."]

    crm.ownership(bare, crm.contact(zinnia.organization, "Silent Example"))
    assert phone.write("P-555")[0].splitlines()[-1] == "Silent Example: no number is known."
    assert OwnerDisclosure.objects.count() == 0


def test_projects_and_clusters_of_his(phone: Phone, villa: Property, elsewhere: Property, zinnia: Project) -> None:
    crm.unit(zinnia, unit_number="1", cluster="Mimosa")

    assert phone.write("projects") == ["Your projects:\n• 7 Zinnia Park (3 units)"]
    assert phone.write("مشاريعي") == ["مشاريعك:\n• 7 Zinnia Park (3 وحدة)"]
    clusters = "• Mimosa (1 unit)\n• Zinnia (2 units)"
    assert phone.write("Tell me clusters in Damac Hills 2") == [f"Clusters in Damac Hills 2:\n{clusters}"]
    assert phone.write("clusters of 7") == [f"Clusters in 7:\n{clusters}"]
    assert phone.write("clusters") == [f"Clusters in Zinnia Park:\n{clusters}"]
    assert phone.write("clusters in Elsewhere") == ["I find no such project among yours."]


def test_clusters_of_which_project(phone: Phone, villa: Property, zinnia: Project, agent: Actor) -> None:
    other = crm.project(zinnia.organization, "Mimosa", number=8)
    crm.unit(other, unit_number="1", building="Tower A")
    crm.assignment(agent.membership.agents.get(), other)

    assert phone.write("clusters?") == ["Of which project? Answer with a number:\n1. Zinnia Park\n2. Mimosa"]
    assert phone.write("2") == ["Clusters in Mimosa:\n• Tower A (1 unit)"]


@pytest.mark.parametrize(
    ("text", "begins"),
    [("!ping", "pong"), ("PING\n", "pong"), ("help", "You can ask me:"), ("مساعدة", "يمكنك أن تسألني:"),
     ("Hello", "Hello Omar."), ("السلام عليكم", "أهلاً Omar."), ("I want to register as an agent", "You are registered, Omar."),
     ("tell me all registered agents", "Agents:\n• Omar"), ("soldout", "I did not understand"), ("نعم", "لا يوجد ما تختاره"),
     ("3", "There is nothing to choose from")],
)  # fmt: skip
def test_small_talk(phone: Phone, text: str, begins: str) -> None:
    [answer] = phone.write(text)

    assert answer.startswith(begins)


def test_a_picture_is_answered_too(phone: Phone) -> None:
    phone.post({**factories.text_message(wa_id=phone.wa_id), "type": "sticker", "sticker": {"id": "1"}})

    assert phone.read() == ["I read text only."]
