"""STOP and START, in words and by tap: kept with source, time and number; confirmed once; undone by the person only."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone

from crm.models import Contact
from crm.services import merging
from messaging import errors, services
from messaging.keywords import Said, Wish, said_in, wish_of
from messaging.models import Channel, Conversation, Message, OptOut
from messaging.models.intake import OptOutScope
from messaging.refusals import addresses_of, outbound_refusals
from tests.crm import factories as crm
from tests.messaging import factories

NOW = int(datetime.now(UTC).timestamp())


def refused(channel: Channel, category: str = "MARKETING") -> dict[int, str]:
    ids = list(Contact.objects.values_list("pk", flat=True))
    return outbound_refusals(organization=channel.organization, channel=channel, contact_ids=ids, category=category)


STOPS = ["STOP", "Stop!", "unsubscribe", "إلغاء", "إيقاف", "ايقاف", "Arrêter", "रोकें", "بند کریں", "रोक्नुहोस्"]


@pytest.mark.parametrize("word", STOPS)
def test_the_word_stops_in_every_language(receive, channel: Channel, word: str) -> None:
    receive(factories.value(messages=[factories.text_message(word)]))

    opt_out = OptOut.objects.get()
    assert (opt_out.source, opt_out.scope, opt_out.said) == ("keyword", "marketing", word)
    assert opt_out.point.value == "+971501234567"
    assert refused(channel) == {opt_out.contact_id: "opted_out"}
    assert refused(channel, "UTILITY") == {}


@pytest.mark.parametrize("text", ["please stop by tomorrow", "Do not stop!", "don't", "I will start on Monday", ""])
def test_a_sentence_with_the_word_in_it_is_just_a_sentence(text: str) -> None:
    assert wish_of(text) is None


def test_stop_is_confirmed_once_and_a_reply_is_still_possible(receive, channel: Channel, manager) -> None:
    stop = factories.text_message("إلغاء")
    receive(factories.value(messages=[stop]))
    receive(factories.value(messages=[stop]))
    receive(factories.value(messages=[factories.text_message("STOP")]))

    assert Message.objects.get(direction="outbound").body.startswith("لن تصلكم")
    assert OptOut.objects.count() == 1
    services.send_text(
        actor=manager,
        conversation=Conversation.objects.get(),
        body="You asked about the villa",
        client_request_id="a",
        at=timezone.now(),
    )
    template = factories.template(channel)
    with pytest.raises(errors.OptedOut):
        services.send_template(
            actor=manager,
            conversation=Conversation.objects.get(),
            template=template,
            parameters={"1": "a", "2": "b"},
            client_request_id="b",
            at=timezone.now(),
        )


def test_start_by_the_person_undoes_it(receive, channel: Channel) -> None:
    receive(factories.value(messages=[factories.text_message("STOP", timestamp=str(NOW - 60))]))
    receive(factories.value(messages=[factories.text_message("ابدأ", timestamp=str(NOW - 30))]))

    assert OptOut.objects.live().count() == 0
    assert refused(channel) == {}
    assert OptOut.objects.get().deleted_at == datetime.fromtimestamp(NOW - 30, UTC)


def test_the_newer_word_wins_when_they_come_in_the_wrong_order(receive, channel: Channel) -> None:
    receive(factories.value(messages=[factories.text_message("START", timestamp=str(NOW - 30))]))
    receive(factories.value(messages=[factories.text_message("STOP", timestamp=str(NOW - 60))]))

    assert refused(channel) == {}


def preference(value: str, at: int) -> dict[str, object]:
    item = {"wa_id": "971501234567", "category": "marketing_messages", "value": value, "timestamp": at}
    return factories.value(user_preferences=[item])


def test_a_tap_stops_and_old_news_changes_nothing(receive, channel: Channel) -> None:
    receive(preference("stop", NOW - 60), field="user_preferences")
    assert OptOut.objects.get().source == "button"
    assert list(refused(channel).values()) == ["opted_out"]

    receive(preference("resume", NOW - 30), field="user_preferences")
    receive(preference("stop", NOW - 60), field="user_preferences")

    assert refused(channel) == {}
    assert Message.objects.count() == 0


def test_an_agent_records_what_a_person_said(channel: Channel, organization, manager, agent) -> None:
    contact = crm.contact(organization, "Tired Example")
    crm.point(contact, "+971501234567")

    services.record_opt_out(actor=manager, contact=contact, scope=OptOutScope.ALL, said="by phone", at=timezone.now())

    assert refused(channel, "UTILITY") == {contact.pk: "opted_out"}
    from core.errors import NotFound

    with pytest.raises(NotFound):
        services.record_opt_out(actor=agent, contact=contact, scope=OptOutScope.ALL, said="", at=timezone.now())


def test_who_shares_the_number_is_not_written_to_either(receive, channel: Channel, organization) -> None:
    receive(factories.value(messages=[factories.text_message("STOP")]))
    spouse = crm.contact(organization, "Spouse Example")
    crm.point(spouse, "+971501234567")

    assert refused(channel)[spouse.pk] == "opted_out"


def test_every_reason_is_told(channel: Channel, organization, django_assert_num_queries) -> None:
    def person(name: str, *points: dict[str, Any], **fields: Any) -> int:
        made = crm.contact(organization, name, **fields)
        for each in points:
            crm.point(made, **each)
        return made.pk

    expected = {
        person("None"): "no_number",
        person("Desk", {"value": "+97143334444", "line_type": "fixed"}): "landline",
        person("Typo", {"value": "+971509999999", "status": "invalid"}): "invalid_number",
        person("Asked", {"value": "+971509999998", "status": "do_not_contact"}): "do_not_contact",
        person("Rude", {"value": "+971509999997"}, is_bad_contact=True): "bad_contact",
        person("States", {"value": "+12025550123", "country": "US"}): "us_marketing",
    }
    fine = person("Fine", {"value": "+97143334445", "line_type": "fixed"}, {"value": "+971509999996"})
    shy = person("Shy", {"value": "AE.123456789012345", "kind": "bsuid", "line_type": ""})
    everybody = [*expected, fine, shy]

    with django_assert_num_queries(4):  # contacts, points, opt-outs, the do-not-contact list
        found = outbound_refusals(
            organization=organization, channel=channel, contact_ids=everybody, category="MARKETING"
        )

    assert found == expected
    addresses = addresses_of(organization=organization, contact_ids=everybody)
    assert addresses[fine].value == "971509999996"
    assert addresses[shy].value == "AE.123456789012345"
    channel.blocked_at = timezone.now()
    assert set(refused(channel).values()) == {"channel_unable"}


def test_start_by_somebody_who_never_stopped_is_just_a_word(receive, channel: Channel) -> None:
    receive(factories.value(messages=[factories.text_message("start")]))

    assert wish_of("start") is Wish.START
    assert Message.objects.filter(direction="outbound").count() == 0


EVERY_WAY = {
    "": ["STOP!!!", "s t o p", "S.T.O.P.", "stoooop", "STOP STOP STOP", "please stop", "Stop, thank you", "🛑 STOP 🛑"],
    "en": ["Stop messaging me!", "REMOVE ME FROM YOUR LIST", "don’t message me", "opt-out", "Do not contact me."],
    "ar": ["إلغاء", "إيـقـاف", "إِيقَاف!", "ايقاف لو سمحت", "من فضلك أوقفوا الرسائل", "لا ترسلوا لي", "إلغاء الاشتراك"],
    "fr": ["Arrêtez !!", "ARRÊTER S'IL VOUS PLAÎT", "désabonner", "Ne m'écrivez plus", "Stop pub svp"],
    "hi": ["रोकें", "बंद करो।", "कृपया बंद करें!!", "मैसेज मत भेजो", "band karo"],
    "ur": ["بند کریں", "بند کر دیں پلیز", "براہ کرم بند کریں۔", "روکیں", "میسج مت بھیجیں"],
    "ne": ["रोक्नुहोस्", "कृपया बन्द गर्नुहोस्", "म्यासेज नपठाउनुहोस्।", "बन्द गर्नुस्"],
}
STARTS = {
    "": ["START", "start!", "Start please", "UNSTOP"],
    "ar": ["ابدأ", "إبدأ", "استئناف", "اشتراك"],
    "fr": ["REPRENDRE", "s'abonner"],
    "hi": ["शुरू करें", "शुरू करो।"],
    "ur": ["شروع کریں", "شروع"],
    "ne": ["सुरु गर्नुहोस्"],
}


@pytest.mark.parametrize(("wish", "ways"), [(Wish.STOP, EVERY_WAY), (Wish.START, STARTS)])
def test_however_it_is_written_it_is_understood_and_in_which_language(wish: Wish, ways: dict[str, list[str]]) -> None:
    understood = {text: said_in(text) for texts in ways.values() for text in texts}

    assert understood == {text: Said(wish, language) for language, texts in ways.items() for text in texts}


INNOCENT = [
    "please stop by tomorrow", "the bus stop", "Do not stop!", "stop at the gate and call me", "ok thanks", "please",
    "قف عند البوابة", "رقم الوحدة بند 4", "arrêt de bus devant la tour ?", "बंद दुकान के पास", "start date?", "no problem",
]  # fmt: skip


@pytest.mark.parametrize("text", INNOCENT)
def test_innocent_sentences_stop_nothing(text: str) -> None:
    assert wish_of(text) is None


@pytest.mark.parametrize(
    ("word", "begins"),
    [
        ("बंद करो", "अब आपको"),
        ("بند کریں", "اب آپ"),
        ("रोक्नुहोस्", "अब तपाईं"),
        ("Arrêtez", "Vous ne"),
        ("STOP", "You will"),
    ],
)
def test_it_is_confirmed_in_the_language_of_the_word(receive, channel: Channel, word: str, begins: str) -> None:
    receive(factories.value(messages=[factories.text_message(word)]))

    assert Message.objects.get(direction="outbound").body.startswith(begins)


def test_a_button_under_a_template_stops_as_a_button(receive, channel: Channel) -> None:
    pressed = {
        **factories.text_message(),
        "type": "button",
        "button": {"text": "Stop promotions", "payload": "stop"},
    }
    receive(factories.value(messages=[pressed]))

    assert OptOut.objects.get().source == "button"


def test_on_merging_two_contacts_the_stricter_stop_wins_whichever_survives(
    channel: Channel, organization, manager
) -> None:
    for number, survives in enumerate(("offers", "everything")):
        people = {name: crm.contact(organization, f"{name} {number}") for name in ("offers", "everything")}
        for scope, name in ((OptOutScope.MARKETING, "offers"), (OptOutScope.ALL, "everything")):
            services.record_opt_out(actor=manager, contact=people[name], scope=scope, said="stop", at=timezone.now())
        other = people["everything" if survives == "offers" else "offers"]

        merging.merge(
            actor=manager, noun="contact", survivor_id=people[survives].pk, other_id=other.pk, at=timezone.now()
        )

        assert refused(channel, "UTILITY")[people[survives].pk] == "opted_out"
