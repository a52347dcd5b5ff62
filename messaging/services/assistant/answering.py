"""One turn of the dialogue: understand it, answer it once, and tell those who watch. All in one transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction

from core.actors import Actor
from core.jobs import enqueue
from core.roles import Capability
from messaging.assistant import pressing
from messaging.assistant.reading import Kind, Request, language_of, read
from messaging.assistant.wording import say
from messaging.models import AssistantTurn, Conversation, Message
from messaging.models.assistant import Outcome
from messaging.models.conversations import MessageType
from messaging.sealing import sealed
from messaging.services.assistant import asking, owners
from messaging.services.assistant.copying import tell_watchers
from messaging.services.assistant.replies import Asked, Reply
from messaging.services.outbound import send_interactive, send_text
from messaging.shapes import LONGEST_BODY

log = structlog.get_logger(__name__)

# So long after a list was offered a number still chooses from it.
CHOOSES_WITHIN = timedelta(minutes=15)
# Asked so long ago, it is not carried out any more: who asked may not be looking, or has asked again.
TOO_LATE = timedelta(minutes=30)
LOST_AFTER = timedelta(seconds=20)
GIVEN_UP_AFTER = timedelta(hours=6)
SWEPT_AT_ONCE = 200
READ = (MessageType.TEXT, MessageType.INTERACTIVE)


@transaction.atomic
def answer_turn(*, actor: Actor, turn_id: int, at: datetime) -> bool:
    """Answer one message of a member. Any number of calls make one answer; False when there was nothing to do.

    A refusal to send (the number is blocked, say) undoes all of it, also what was disclosed: it is tried again later.
    """
    actor.require(Capability.CHANNELS_MANAGE)
    rows = AssistantTurn.objects.for_organization(actor.organization).filter(pk=turn_id, outcome=Outcome.WAITING)
    turn = (
        rows.select_for_update(of=("self",), skip_locked=True)
        .select_related("membership__user", "membership__organization", "line__channel")
        .first()
    )
    if turn is None:
        return False
    message = Message.objects.select_related("conversation__channel", "conversation__organization").get(
        organization=actor.organization, pk=turn.message_id
    )
    if turn.membership.suspended_at is not None or not turn.membership.user.is_active or turn.line.deleted_at:
        _close(turn, Reply("", Outcome.NOT_ALLOWED), None, at)
        return True
    request, reply = _reply(turn, message, _offer(turn, message), at)
    turn.request, turn.language = turn.request or request.kind.value, request.language
    answer = _send(actor, turn, message, reply, at)
    _close(turn, reply, answer, at)
    # Nobody else needs to read it, and nobody waits.
    Conversation.objects.filter(pk=message.conversation_id).update(unread_count=0, waiting_since=None)
    if reply.summary:
        tell_watchers(actor=actor, turn=turn, asked=message.body, given=reply.summary, at=at)
    return True


def sweep_turns(*, actor: Actor, at: datetime) -> int:
    """Nudge what lost its nudge; give up what could not be answered for hours."""
    actor.require(Capability.CHANNELS_MANAGE)
    waiting = AssistantTurn.objects.for_organization(actor.organization).filter(outcome=Outcome.WAITING)
    waiting.filter(created_at__lt=at - GIVEN_UP_AFTER).update(outcome=Outcome.FAILED, handled_at=at, updated_at=at)
    lost = list(
        waiting.filter(created_at__lt=at - LOST_AFTER).order_by("pk").values_list("pk", flat=True)[:SWEPT_AT_ONCE]
    )
    for turn_id in lost:
        enqueue("messaging.answer_turn", organization_id=actor.organization.pk, turn_id=turn_id)
    return len(lost)


def _reply(turn: AssistantTurn, message: Message, last: AssistantTurn | None, at: datetime) -> tuple[Request, Reply]:
    name = turn.membership.user.name
    awaits_owner = last is not None and last.outcome == Outcome.PROMPTED
    request = _pressed(message, last) or read(message.body, awaits_owner=awaits_owner)
    if request.kind is Kind.CHOICE and awaits_owner and last is not None and not last.choices:
        request = read(f"owner {message.body}")  # a bare number, after "of which unit?"
    if request.kind in (Kind.CHOICE, Kind.YES, Kind.NO) and last is not None and not _has_arabic(message.body):
        request = replace(request, language=last.language or request.language)
    asked = Asked(Actor(turn.membership.organization, turn.membership), request.language, message.body)
    if turn.request == "connected":
        return request, Reply(say(asked.language, "connected", name=name), Outcome.ANSWERED)
    if at - turn.at > TOO_LATE:
        return request, Reply(say(asked.language, "late"), Outcome.FAILED)
    if message.type not in READ:
        return request, Reply(say(asked.language, "text_only"), Outcome.NOT_UNDERSTOOD)
    if not asked.actor.can(Capability.CRM_READ):
        return request, Reply(say(asked.language, "not_allowed"), Outcome.NOT_ALLOWED)
    match request.kind:
        case Kind.CHOICE | Kind.YES | Kind.NO:
            return request, _chosen(asked, request, last, at)
        case Kind.OWNER:
            return request, owners.owner_of(asked=asked, unit=request.unit, at=at)
        case Kind.PROJECTS:
            return request, asking.projects(asked=asked)
        case Kind.CLUSTERS:
            return request, asking.clusters(asked=asked, words=request.words)
        case Kind.CAMPAIGN:
            return request, asking.campaigns(asked=asked, words=request.words)
        case Kind.AGENTS:
            return request, asking.agents(asked=asked)
        case Kind.PING:
            return request, Reply(say(asked.language, "pong"), Outcome.ANSWERED)
        case Kind.HELP | Kind.GREETING | Kind.REGISTERED:
            return request, Reply(say(asked.language, request.kind.value, name=name), Outcome.ANSWERED)
        case Kind.WORDS:
            return request, (
                asking.campaign_named(asked=asked, words=request.words)
                or owners.suggest(asked=asked, unit=request.unit)
                or Reply(say(asked.language, "not_understood"), Outcome.NOT_UNDERSTOOD)
            )


def _chosen(asked: Asked, request: Request, last: AssistantTurn | None, at: datetime) -> Reply:
    """A number from the list that was offered last; yes or no to what was asked last."""
    choices: list[dict[str, Any]] = last.choices if last is not None else []
    confirms = bool(choices) and choices[0]["kind"] == "start"
    if request.kind is Kind.NO and choices:
        return Reply(say(asked.language, "left"), Outcome.ANSWERED)
    if not choices or (request.kind is not Kind.CHOICE and not confirms):
        return Reply(say(asked.language, "nothing_to_choose"), Outcome.NOT_UNDERSTOOD)
    index = 1 if request.kind is Kind.YES else request.number
    if not 1 <= index <= len(choices):
        # The list stands: the next number may choose from it.
        return Reply(say(asked.language, "no_choice", most=len(choices)), Outcome.NOT_UNDERSTOOD, choices=choices)
    chosen = choices[index - 1]
    match chosen["kind"]:
        case "unit":
            return replace(owners.give(asked=asked, unit_id=chosen["id"], at=at), choices=choices)
        case "project":
            return replace(asking.clusters_of_project(asked=asked, project_id=chosen["id"]), choices=choices)
        case "campaign":
            return asking.confirm(asked=asked, campaign_id=chosen["id"], name=chosen["name"])
        case _:
            return asking.start(asked=asked, campaign_id=chosen["id"], name=chosen["name"], at=at)


def _offer(turn: AssistantTurn, message: Message) -> AssistantTurn | None:
    """What this answers, while it still counts: the list that was pressed or quoted, else what was said to him last."""
    earlier = AssistantTurn.objects.filter(
        organization=turn.organization_id, membership=turn.membership_id, pk__lt=turn.pk
    ).exclude(outcome=Outcome.WAITING)
    named = pressing.pressed(message.payload)
    quoted = None if message.quoted_id is None else earlier.filter(answer=message.quoted_id).first()
    found: AssistantTurn | None = (
        earlier.filter(pk=named[0]).first() if named else quoted or earlier.order_by("-pk").first()
    )
    return found if found is not None and turn.at - found.at <= CHOOSES_WITHIN else None


def _pressed(message: Message, last: AssistantTurn | None) -> Request | None:
    named = pressing.pressed(message.payload)
    if named is None:
        return None
    kind = {"yes": Kind.YES, "no": Kind.NO}.get(named[1], Kind.CHOICE)
    return Request(kind, last.language if last else "en", named[1])


def _send(actor: Actor, turn: AssistantTurn, message: Message, reply: Reply, at: datetime) -> Message:
    request_id = f"assistant:{message.pk}"
    to_press = _to_press(turn, reply)
    if to_press is not None:
        return send_interactive(
            actor=actor, conversation=message.conversation, interactive=to_press, client_request_id=request_id, at=at
        )
    answer = send_text(
        actor=actor,
        conversation=message.conversation,
        body=reply.shown or reply.words,
        client_request_id=request_id,
        at=at,
    )
    if reply.shown:
        answer.payload = sealed(reply.words)
        answer.save(update_fields=["payload", "updated_at"])
    return answer


def _to_press(turn: AssistantTurn, reply: Reply) -> dict[str, Any] | None:
    """Only what is newly offered: a list that still stands was shown before."""
    if reply.outcome != Outcome.CHOICES or len(reply.words) > LONGEST_BODY:
        return None
    if reply.choices[0]["kind"] == "start":
        return pressing.asked(reply.words, language=turn.language, turn_id=turn.pk)
    labels = [choice["name"] for choice in reply.choices]
    return pressing.offered(reply.words, labels, language=turn.language, turn_id=turn.pk)


def _close(turn: AssistantTurn, reply: Reply, answer: Message | None, at: datetime) -> None:
    turn.outcome, turn.choices, turn.summary = reply.outcome, reply.choices, reply.summary
    turn.answer, turn.handled_at = answer, at
    turn.save(
        update_fields=[
            "request", "language", "outcome", "choices", "summary", "answer", "handled_at", "updated_at",
        ]
    )  # fmt: skip
    log.info("assistant_answered", turn_id=turn.pk, request=turn.request, outcome=str(turn.outcome))


def _has_arabic(text: str) -> bool:
    return language_of(text) == "ar"
