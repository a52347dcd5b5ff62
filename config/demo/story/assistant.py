"""The assistant: an agent asks by WhatsApp, is answered what he may know, and his manager is told."""

from __future__ import annotations

import re

from config.demo.doors import until
from config.demo.stage import Stage, holds, same
from crm.models import OwnerDisclosure, Property
from messaging.models import Message

OMARS_PHONE, MONAS_PHONE, STRANGER = "971509990001", "971509990002", "971509990003"


def ask_for_an_owner(stage: Stage) -> str:
    """Omar asks for an owner's number from his own phone: he gets it, it is recorded, Mona is told it masked"""
    line = stage.api("aisha").post("assistant-lines/", {"channel": stage.made["channel"]})
    stage.api("aisha").put(f"assistant-lines/{line['id']}/watchers/", {"members": [stage.cast.member("mona").pk]})
    for name, phone in (("omar", OMARS_PHONE), ("mona", MONAS_PHONE)):
        _connect(stage, name, phone)
    unit = (
        Property.objects.visible_to(stage.cast.actor("omar"))
        .exclude(p_number="")
        .filter(ownerships__until__isnull=True, ownerships__contact__points__kind="phone")
        .order_by("pk")
        .first()
    )
    assert unit is not None  # noqa: S101 - for the types: owners were imported with their numbers
    before = OwnerDisclosure.objects.count()
    for phone in (STRANGER, OMARS_PHONE):
        _write(stage, phone, f"Kindly share the owner's number of P-{unit.p_number}\n")
    until(lambda: OwnerDisclosure.objects.count() > before, "the number to be given")
    given = OwnerDisclosure.objects.order_by("-pk")[0]
    same((given.door, given.membership_id), ("assistant", stage.cast.member("omar").pk), "who was given it")
    number = given.contact.points.filter(pk__in=given.points).order_by("-is_primary", "pk")[0].value
    until(lambda: any(number in text for text in _texts(stage, OMARS_PHONE)), "the number on Omar's phone")
    told = until(lambda: [text for text in _texts(stage, MONAS_PHONE) if "asked" in text], "Mona to be told")
    holds(number not in told[-1], "the number is masked for Mona")
    holds(not Message.objects.filter(body__contains=number).exists(), "no thread shows the number")
    same(_texts(stage, STRANGER), [], "what a stranger got")
    return (
        f"{unit.label}: given to Omar, masked for Mona (“{told[-1][:70]}…”); a stranger who asked the same got nothing"
    )


def _connect(stage: Stage, name: str, phone: str) -> None:
    """The member reads a code on his page and sends it from his phone."""
    page = f"/o/{stage.cast.organization.slug}/assistant/"
    browser = stage.browser(name)
    browser.open(page)
    [code] = re.findall(r"LINK \d{4} \d{4}(?=</bdi>)", browser.submit(page, {}).text)
    _write(stage, phone, code)
    until(lambda: any("Connected" in text for text in _texts(stage, phone)), f"{name}'s phone to be connected")


def _write(stage: Stage, phone: str, text: str) -> None:
    stage.sandbox.post(f"customers/{phone}/messages", {"text": text, "name": "A phone"})


def _texts(stage: Stage, phone: str) -> list[str]:
    received = stage.sandbox.get("received", kind="messages", to=phone, limit=1000)["received"]
    return [each["body"]["text"]["body"] for each in received if each["body"].get("type") == "text"]
