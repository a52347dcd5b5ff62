"""A number that somebody may not see: written into every place that keeps one, and looked for in every answer."""

from __future__ import annotations

import html
import io
import json
import re
import unicodedata
import zipfile
from datetime import timedelta
from typing import Any
from urllib.parse import unquote_plus

from django.utils import timezone

from campaigns.models import CampaignMessage
from core.actors import Actor
from crm import services
from crm.models import Contact, ContactPoint, ValidationFinding
from crm.services import bulk, merging
from crm.services.validation import Chosen, go_on
from messaging.models import Conversation, WebhookEvent
from sheets.models import CellChange, Conflict, ImportRun, RowError, RowLink, Spreadsheet
from tests.campaigns import factories as campaigning
from tests.crm import factories
from tests.messaging import factories as talking
from tests.sheets.imports import bring

# Nobody's; no six digits in a row of one are found in the other.
HIDDEN, MASKED = "+971509876543", "+971527418650"
_DIGITS = {code: str(unicodedata.digit(chr(code))) for code in range(128, 65536) if chr(code).isdecimal()}
_BETWEEN = re.compile(r"(?<=\d)[\s().\-/|,_\u00a0\u2010-\u2015\u200e\u200f]{1,3}(?=\d)")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")


def traces(text: str, number: str) -> set[str]:
    """Six digits in a row of the national number, in any notation: with blanks, dashes, tags or escapes in between."""
    national = number.removeprefix("+971")
    windows = {national[start : start + 6] for start in range(len(national) - 5)}
    plain = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), html.unescape(unquote_plus(text))).translate(_DIGITS)
    forms = [plain, re.sub(r"<[^>]*>", "", plain), plain[::-1]]
    return {window for form in forms for window in windows if window in _BETWEEN.sub("", form)}


def text_of(answer: Any) -> str:
    """All that was sent: the body, a workbook's cells, names of files, where to go next, and what the browser keeps."""
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    if body.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(body)) as book:
            body = b" ".join(book.read(name) for name in book.namelist())
    kept = [cookie.OutputString() for name, cookie in answer.cookies.items() if name not in {"csrftoken", "sessionid"}]
    return " ".join([body.decode(errors="replace"), *map(str, answer.headers.values()), *kept])


def plant(manager: Actor, agent: Actor) -> tuple[Contact, Contact]:
    """Two owners. The first is nobody the agent works with; the second he sees, with the middle of the number hidden."""
    house = manager.organization
    at = timezone.now()
    profile = factories.agent(agent)
    his = factories.project(house, "Acuna")
    factories.assignment(profile, his)
    run = bring(
        manager,
        {"P-NUMBER": "1", "PROJECT": "Vardon", "NAME": "Noura Hidden", "MOBILE": "050 987 6543", "Status": "Vacant"},
        {"P-NUMBER": "2", "PROJECT": "Acuna", "NAME": "Mira Masked", "MOBILE": "00971 52-741 8650", "Status": "Vacant"},
        {"P-NUMBER": "3", "PROJECT": "Vardon", "NAME": "Noura Hidden", "MOBILE": "0509876543 / 12", "EMAIL": "no"},
    )
    found = {each.display_name: each for each in Contact.objects.filter(ownerships__isnull=False)}
    hidden, masked = found["Noura Hidden"], found["Mira Masked"]
    Contact.objects.filter(pk=masked.pk).update(assigned_to=agent.membership)
    for contact, number in ((hidden, HIDDEN), (masked, MASKED)):
        point = services.add_contact_point(actor=manager, contact=contact, kind="whatsapp", value=number)
        services.update_contact_point(actor=manager, point=point, notes="calls back")
        services.verify_contact_point(actor=manager, point=point, at=at)
        _talk(manager, agent if contact is masked else manager, contact, number)
        _sheet(run, contact, number)
        factories.deal(contact.ownerships.first().property, profile, seller=contact)
        twin = factories.contact(house, contact.display_name)
        services.add_contact_point(actor=manager, contact=twin, kind="phone", value=number)
        merging.merge(actor=manager, noun="contact", survivor_id=contact.pk, other_id=twin.pk, at=at)
        factories.point(factories.contact(house, f"{contact.display_name} again"), number)
    services.list_do_not_contact(actor=manager, text=f"{HIDDEN}, +971527418651", reason="asked", source="typed", at=at)
    _validated(manager)
    changed = bulk.choose_rows(actor=manager, noun="contact", rows=Contact.objects.filter(pk=hidden.pk), filters={})
    bulk.preview_change(actor=manager, change=changed, action="tag", given={"tags": "vip"})
    bulk.confirm_change(actor=manager, change=changed, at=at)
    return hidden, masked


def _talk(manager: Actor, whose: Actor, contact: Contact, number: str) -> None:
    house, digits = manager.organization, number[1:]
    channel = talking.channel(
        house,
        name=contact.display_name,
        phone_number_id=f"10020030{contact.pk:07}",
        display_number=f"+97140{contact.pk:06}",
    )
    talk = talking.conversation(channel, contact, address=digits, assigned_to=whose.membership)
    talking.message(talk, "Is it free?")
    talking.accepted(talk, recipient=digits, status="failed", error_title="Undeliverable", error_code=131026)
    Conversation.objects.filter(pk=talk.pk).update(unread_count=1)
    body = talking.body(talking.value(messages=[talking.text_message(wa_id=digits)]))
    WebhookEvent.objects.create(organization=house, body=body, signature_verified=True, received_at=timezone.now())
    project = contact.ownerships.first().property.project
    campaign = campaigning.draft(manager, project, [channel], template=talking.template(channel))
    CampaignMessage.objects.create(
        organization=house, campaign=campaign, contact=contact, recipient=digits, status="failed", error="no WhatsApp"
    )


def _sheet(run: ImportRun, contact: Contact, number: str) -> None:
    """What a sync of a linked sheet keeps of a cell with a number."""
    house = run.organization
    sheet = Spreadsheet.objects.create(
        organization=house, table="crm.units", name=f"Sheet {contact.pk}", signature=str(contact.pk)
    )
    row = {"row": 2, "row_key": str(contact.pk)}
    link = RowLink.objects.create(
        organization=house,
        spreadsheet=sheet,
        fingerprint=b"1",
        object_id=contact.ownerships.first().property_id,
        related_id=contact.pk,
        base={"mobile": number},
        app={"mobile": number},
        **row,
    )
    cell = {"field": "mobile", "column": "MOBILE"}
    Conflict.objects.create(
        organization=house, spreadsheet=sheet, link=link, run=run, row=2, base="", ours=number, theirs=number[4:], **cell
    )  # fmt: skip
    CellChange.objects.create(organization=house, run=run, side="app", before=number, after=number[4:], **row, **cell)
    RowError.objects.create(
        organization=house, run=run, row=2, column="MOBILE", value=f"0{number[4:]}", severity="warning",
        code="phone_review", message="A person must say which number it is.",
    )  # fmt: skip


def _validated(manager: Actor) -> None:
    at = timezone.now()
    factories.point(factories.contact(manager.organization, "Noura Third"), HIDDEN[:-1], status="unverified")
    ContactPoint.objects.update(verified_by=None, validated_at=at - timedelta(days=9))
    run = services.start_validation(actor=manager, chosen=Chosen(kinds="numbers", older_than=0), at=at)
    go_on(organization=manager.organization, run_id=run.pk, clock=lambda: at)
    assert ValidationFinding.objects.exists()


def body_of(hidden: Contact, masked: Contact) -> dict[str, Any]:
    """What one may send to any address, so that it answers more than that something is missing."""
    point = hidden.points.live().order_by("pk").first()
    return {
        "contact": hidden.pk, "noun": "contact", "survivor": hidden.pk, "other": masked.pk, "first": hidden.pk,
        "second": masked.pk, "a": hidden.pk, "b": masked.pk, "reason": "calls", "is_valid": True, "format": "csv",
        "kind": "phone", "value": "+971500000008", "action": "tag", "tags": "vip", "rows": [hidden.pk], "ids": [hidden.pk],
        "filters": {}, "list": "owners", "points": [point.pk], "notes": "x", "is_primary": True, "property": None,
        "text": "+971500000009", "q": hidden.display_name, "display_name": hidden.display_name, "name": "x",
    }  # fmt: skip


def as_json(body: dict[str, Any]) -> dict[str, Any]:
    return {"data": json.dumps(body), "content_type": "application/json"}
