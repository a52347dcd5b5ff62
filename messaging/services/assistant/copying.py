"""Those who watch are told of what was given: by WhatsApp, with numbers masked (docs/adr/0014)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.errors import DomainError
from crm.models import Contact
from crm.services import contact_for_sender
from messaging.assistant.wording import say
from messaging.errors import WindowClosed
from messaging.models import AssistantCopy, AssistantTurn, Conversation, MemberNumber, Message
from messaging.services.conversations import OPEN, latest_conversation, open_conversation, reopen_conversation
from messaging.services.outbound import send_template, send_text
from messaging.templates import variables

LONGEST = 900  # in the one variable of a template, beside its own words


def tell_watchers(*, actor: Actor, turn: AssistantTurn, asked: str, given: str, at: datetime) -> None:
    """One message to each watcher but the one who asked; why not, where none could be sent. Never undoes the answer."""
    watchers = turn.line.watchers.exclude(membership=turn.membership_id).select_related("membership__user")
    languages = actor.organization.languages
    words = say(
        languages[0] if languages else "en",
        "copy",
        who=turn.membership.user.name,
        asked=" ".join(asked.split())[:200],
        given=" ".join(given.split()),
    )[:LONGEST]
    for watcher in watchers.filter(membership__suspended_at__isnull=True).order_by("pk"):
        message, reason = None, ""
        try:
            with transaction.atomic():
                message = _tell(actor, turn, watcher.membership_id, words, at)
        except DomainError as refusal:
            reason = refusal.message[:300]
        else:
            reason = "" if message else "This member has connected no phone."
        AssistantCopy.objects.create(
            organization=actor.organization,
            turn=turn,
            membership_id=watcher.membership_id,
            message=message,
            reason=reason,
        )


def _tell(actor: Actor, turn: AssistantTurn, membership_id: int, words: str, at: datetime) -> Message | None:
    phones = MemberNumber.objects.for_organization(actor.organization).verified().filter(membership=membership_id)
    phone = phones.order_by("-verified_at").first()
    if phone is None:
        return None
    contact = contact_for_sender(actor=actor, phone=phone.number or None, bsuid=phone.user_id or None, name="", at=at)
    conversation = _conversation(actor, turn, contact, membership_id, at)
    request_id = f"assistant-copy:{turn.pk}:{membership_id}"
    try:
        with transaction.atomic():
            return send_text(actor=actor, conversation=conversation, body=words, client_request_id=request_id, at=at)
    except WindowClosed:
        template = turn.line.copy_template
        if template is None:
            raise
        [variable] = variables(template.components)
        return send_template(
            actor=actor,
            conversation=conversation,
            template=template,
            parameters={variable.key: words},
            client_request_id=request_id,
            at=at,
        )


def _conversation(
    actor: Actor, turn: AssistantTurn, contact: Contact, membership_id: int, at: datetime
) -> Conversation:
    channel = turn.line.channel
    found = latest_conversation(channel=channel, contact=contact)
    if found is None:
        found = open_conversation(channel=channel, contact=contact, assigned_to=None, at=at)
        Conversation.objects.filter(pk=found.pk).update(assigned_to=membership_id)
    return found if found.status in OPEN else reopen_conversation(actor=actor, conversation=found, at=at)
