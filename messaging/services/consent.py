"""Who said stop, and who said start again. Only the person undoes it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from core import audit, events
from core.actors import Actor
from core.errors import DomainError, NotFound
from core.roles import Capability
from crm.models import Contact, ContactPoint
from messaging.events import OptedOut
from messaging.keywords import Said, Wish, said_in, wish_of
from messaging.models import Conversation, Message, OptOut
from messaging.models.conversations import Direction, MessageType
from messaging.models.intake import OptOutScope, OptOutSource
from messaging.payloads import is_user_id
from messaging.services.outbound import send_text

CONFIRMATIONS = {
    Wish.STOP: {
        "en": "You will get no more offers from us. Write START if you want them again.",
        "ar": "لن تصلكم عروض منا بعد الآن. للعودة اكتبوا: ابدأ",
        "fr": "Vous ne recevrez plus nos offres. Écrivez REPRENDRE pour les recevoir à nouveau.",
        "hi": "अब आपको हमारे ऑफ़र नहीं मिलेंगे। फिर से पाने के लिए लिखें: शुरू",
        "ur": "اب آپ کو ہماری پیشکشیں نہیں ملیں گی۔ دوبارہ حاصل کرنے کے لیے لکھیں: شروع",
        "ne": "अब तपाईंले हाम्रा अफरहरू पाउनुहुने छैन। फेरि पाउन लेख्नुहोस्: सुरु",
    },
    Wish.START: {
        "en": "Welcome back: you will get our offers again. Write STOP at any time.",
        "ar": "أهلاً بعودتكم: ستصلكم عروضنا من جديد. للإيقاف اكتبوا: إيقاف",
        "fr": "Vous recevrez à nouveau nos offres. Écrivez STOP à tout moment.",
        "hi": "आपका फिर से स्वागत है: अब आपको हमारे ऑफ़र मिलेंगे। रोकने के लिए कभी भी लिखें: STOP",
        "ur": "دوبارہ خوش آمدید: اب آپ کو ہماری پیشکشیں ملیں گی۔ روکنے کے لیے کسی بھی وقت لکھیں: STOP",
        "ne": "फेरि स्वागत छ: अब तपाईंले हाम्रा अफरहरू पाउनुहुनेछ। रोक्न जुनसुकै बेला लेख्नुहोस्: STOP",
    },
}


@transaction.atomic
def record_opt_out(*, actor: Actor, contact: Contact, scope: OptOutScope, said: str, at: datetime) -> OptOut:
    """A person told an agent to stop. Again says the same: it stays as it was first recorded."""
    actor.require(Capability.CONVERSATIONS_REPLY)
    if not Contact.objects.visible_to(actor).filter(pk=contact.pk).exists():
        raise NotFound("There is no such contact here.")
    return record_stop(
        actor=actor, contact=contact, address="", scope=scope, source=OptOutSource.AGENT, said=said, at=at
    )


@transaction.atomic
def record_stop(
    *,
    actor: Actor,
    contact: Contact,
    address: str,
    scope: OptOutScope,
    source: OptOutSource,
    said: str,
    at: datetime,
) -> OptOut:
    """Keep that somebody said stop, by which number (digits or BSUID), how and when. At most one of a kind is live."""
    actor.require(Capability.CONVERSATIONS_REPLY)
    point = point_of(contact, address)
    try:
        with transaction.atomic():
            opt_out = OptOut.objects.create(
                organization=actor.organization,
                contact=contact,
                point=point,
                scope=scope,
                source=source,
                said=said[:200],
                at=at,
            )
    except IntegrityError:
        found: OptOut = _live(actor, contact).get(point=point, scope=scope)
        return found
    audit.record(
        actor=actor,
        action="messaging.opted_out",
        target=opt_out,
        after={"contact": contact.pk, "scope": str(scope), "source": str(source)},
        at=at,
    )
    events.publish(OptedOut(actor.organization.pk, contact.pk, opt_out.pk))
    return opt_out


@transaction.atomic
def record_start(*, actor: Actor, contact: Contact, address: str, at: datetime) -> int:
    """The person wants our messages again: every opt-out of theirs from before ends. Returns how many did.

    Never called for anybody but the person: by their own keyword, or their own tap.
    """
    actor.require(Capability.CONVERSATIONS_REPLY)
    ended = list(_live(actor, contact).filter(at__lte=at))
    OptOut.objects.filter(pk__in=[opt_out.pk for opt_out in ended]).update(deleted_at=at)
    for opt_out in ended:
        audit.record(actor=actor, action="messaging.opted_in", target=opt_out, after={"by": "the person"}, at=at)
    return len(ended)


def heed_keyword(*, actor: Actor, conversation: Conversation, message: Message) -> Wish | None:
    """If a new message is a word that stops or starts, do so, and confirm it once in the language of the word."""
    said = said_in(message.body)
    if said is None or _was_said_later(message):
        return None
    if said.wish is Wish.STOP:
        opt_out = record_stop(
            actor=actor,
            contact=conversation.contact,
            address=conversation.address,
            scope=OptOutScope.MARKETING,
            source=OptOutSource.BUTTON if message.type == MessageType.INTERACTIVE else OptOutSource.KEYWORD,
            said=message.body,
            at=message.at,
        )
        about = f"stop-{opt_out.pk}"
    else:
        if not record_start(actor=actor, contact=conversation.contact, address=conversation.address, at=message.at):
            return None  # "start" by somebody who never stopped is just a word
        about = f"start-{message.pk}"
    _confirm(actor, conversation, message, said, about)
    return said.wish


def heed_preference(*, actor: Actor, contact: Contact, address: str, value: str, at: datetime) -> None:
    """The person tapped stop or resume in WhatsApp, which confirms it by itself. Old news changes nothing."""
    if value == "resume":
        record_start(actor=actor, contact=contact, address=address, at=at)
        return
    later = OptOut.objects.for_organization(actor.organization).filter(contact=contact, deleted_at__gte=at)
    if value == "stop" and not later.exists():
        record_stop(
            actor=actor,
            contact=contact,
            address=address,
            scope=OptOutScope.MARKETING,
            source=OptOutSource.BUTTON,
            said="stop marketing messages",
            at=at,
        )


def point_of(contact: Contact, address: str) -> ContactPoint | None:
    """The contact's point for an address as WhatsApp writes it."""
    if not address:
        return None
    value = address if is_user_id(address) else f"+{address.removeprefix('+')}"
    points = ContactPoint.objects.for_organization(contact.organization).live()
    found: ContactPoint | None = points.filter(contact=contact, value=value).order_by("pk").first()
    return found


def _was_said_later(message: Message) -> bool:
    """Whether a newer message of the same talk, which came first, already decided."""
    later = Message.objects.filter(
        organization=message.organization_id,
        conversation=message.conversation_id,
        direction=Direction.INBOUND,
        at__gt=message.at,
    )
    return any(wish_of(body) for body in later.values_list("body", flat=True)[:100])


def _live(actor: Actor, contact: Contact) -> QuerySet[Any]:
    return OptOut.objects.for_organization(actor.organization).live().filter(contact=contact)


def _confirm(actor: Actor, conversation: Conversation, message: Message, said: Said, about: str) -> None:
    """Once for each wish, in the language of the word: saying STOP again is answered by nothing."""
    texts = CONFIRMATIONS[said.wish]
    try:
        send_text(
            actor=actor,
            conversation=conversation,
            body=texts.get(said.language or conversation.contact.language, texts["en"]),
            client_request_id=about,
            at=message.created_at,
        )
    except DomainError:
        return  # the wish is kept whether or not we can answer: confirmed before, a closed window, a blocked number
