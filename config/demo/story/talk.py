"""WhatsApp: the number, what comes in, an agent's answer, and what is turned away."""

from __future__ import annotations

import hashlib
import hmac
import json

import requests
from django.utils import timezone

from config.demo.doors import until
from config.demo.stage import Stage, holds, same
from crm.models import Contact
from messaging.models import Channel, Conversation, Message, OptOut, WebhookEvent
from messaging.models.conversations import Direction

TEMPLATE = {
    "name": "owner_availability",
    "language": "en",
    "category": "MARKETING",
    "status": "APPROVED",
    "components": [
        {
            "type": "BODY",
            "text": "Hello {{1}}, this is {{3}}. Is your unit in {{2}} available? Reply STOP and we write no more.",
            "example": {"body_text": [["Rana", "Vardon", "Palm Gate Realty"]]},
        }
    ],
}
ANSWERS = ["Yes, it is vacant from next month.", "نعم، الوحدة متاحة للإيجار", "Please call me tomorrow."]
ANSWER = "Thank you. Omar will send you an offer today."


def connect_number(stage: Stage) -> str:
    """A WhatsApp number is connected; the webhook's handshake and the token are checked"""
    shown = stage.sandbox.post(
        "configure",
        {
            "reset": True,
            "seed": 7,
            "accounts": [
                {
                    "id": stage.waba_id,
                    "name": "Palm Gate Realty",
                    "app_id": "300000000000001",
                    "app_secret": stage.app_secret,
                    "verify_token": stage.verify_token,
                    "token": stage.access_token,
                    "numbers": [{"id": stage.phone_number_id, "display_phone_number": "+971 4 000 0001"}],
                    "templates": [TEMPLATE],
                }
            ],
            "pace": {"sent": 0.05, "delivered": 0.3, "read": 0.8},
            # As it is out there: out of order, and everything twice.
            "webhooks": {"order": "shuffled", "copies": 2},
            "behaviours": {
                "read": 0.6,
                "fail": {"131026": 0.03},
                "reply": {"share": 0.08, "text": ANSWERS, "after": 1.0},
                "stop": {"share": 0.03, "text": "STOP", "after": 1.0},
            },
        },
    )
    holds(shown["accounts"], "the sandbox has the account")
    api = stage.api("aisha")
    channel = api.post(
        "channels/",
        {
            "name": "Front desk",
            "phone_number_id": stage.phone_number_id,
            "waba_id": stage.waba_id,
            "access_token": stage.access_token,
            "app_secret": stage.app_secret,
            "verify_token": stage.verify_token,
        },
    )
    same(channel["session_status"], "connected", "the channel")
    stage.made["channel"] = channel["id"]
    configured = stage.sandbox.post(
        "configure", {"accounts": [{"id": stage.waba_id, "callback_url": stage.webhook_url}]}
    )
    same(configured["accounts"][0]["handshake"]["ok"], True, "webhook handshake")
    api.post(f"channels/{channel['id']}/template-syncs/")
    template = stage.api("mona").get("templates/")["results"][0]
    same((template["name"], template["status"]), (TEMPLATE["name"], "APPROVED"), "template")
    stage.made["template"] = template["id"]
    raw = Channel.objects.raw("SELECT id, name AS raw_token FROM messaging_channel")[0]
    holds(stage.access_token not in str(raw.__dict__), "no token in clear text")
    return f"{channel['display_number']}, handshake answered, {template['name']} is approved"


def hear_replies(stage: Stage) -> str:
    """Statuses and replies came back as signed webhooks, twice and out of order; each counted once"""
    until(lambda: _settled(stage), "the sandbox to have sent every webhook", seconds=60)
    until(lambda: not WebhookEvent.objects.exclude(state="done").exists(), "every webhook to be processed")
    summary = stage.sandbox.get("summary")
    read = Message.objects.filter(direction=Direction.OUTBOUND, status="read").count()
    same(read, summary["statuses"].get("read", 0), "read by the owners")
    failed = Message.objects.filter(direction=Direction.OUTBOUND, status="failed").count()
    same(failed, summary["statuses"].get("failed", 0), "failed")
    inbound = Message.objects.filter(direction=Direction.INBOUND)
    stopped = OptOut.objects.live().count()
    holds(inbound.count() > 0 and stopped > 0, "owners answered, and some said stop")
    same(inbound.values("provider_id").distinct().count(), inbound.count(), "every reply once")
    return (
        f"{summary['webhooks']['bodies']} webhooks: {read} read, {failed} failed, "
        f"{inbound.count()} replies, {stopped} opted out"
    )


def answer_in_the_inbox(stage: Stage) -> str:
    """An agent answers an owner in the inbox; pressing send twice sends once"""
    conversation = (
        Conversation.objects.filter(messages__body__in=ANSWERS, messages__direction=Direction.INBOUND)
        .exclude(contact__opt_outs__deleted_at__isnull=True, contact__opt_outs__isnull=False)
        .order_by("pk")
        .first()
    )
    assert conversation is not None  # noqa: S101 - for the types; the step before made sure
    stage.api("mona").put(f"conversations/{conversation.pk}/assignment/", {"membership": stage.cast.member("omar").pk})
    omar = stage.browser("omar")
    slug = stage.cast.organization.slug
    name = Contact.objects.get(pk=conversation.contact_id).display_name
    holds(name in omar.open(f"/o/{slug}/inbox/").replace("&#x27;", "'").replace("&amp;", "&"), "the owner in the inbox")
    thread = f"/o/{slug}/inbox/{conversation.pk}/"
    omar.open(thread)
    for _ in range(2):
        omar.submit(f"{thread}messages/", {"body": ANSWER, "client_request_id": "demo-answer-1"})
    message = Message.objects.get(client_request_id="demo-answer-1")
    until(lambda: _status_of(message) in {"delivered", "read"}, "the answer to be delivered")
    received = stage.sandbox.get("received", kind="messages", to=message.recipient, limit=1000)["received"]
    texts = [each["body"]["text"]["body"] for each in received if each["body"].get("type") == "text"]
    same(texts.count(ANSWER), 1, "how often the owner got the answer")
    stage.made["conversation"] = conversation.pk
    return f"{_status_of(message)}; the owner's phone shows it once"


def keep_the_window(stage: Stage) -> str:
    """Free text to an owner who has not written is refused; only a template may go"""
    silent = (
        Conversation.objects.filter(last_inbound_at__isnull=True)
        .exclude(contact__opt_outs__isnull=False)
        .order_by("pk")
        .first()
    )
    assert silent is not None  # noqa: S101
    before = Message.objects.count()
    refused = stage.api("mona").post(
        "messages/", {"conversation": silent.pk, "body": "Hello?", "client_request_id": "demo-late"}, status=409
    )
    same(refused["code"], "window_closed", "code")
    same(Message.objects.count(), before, "messages")
    return str(refused["detail"])


def turn_away(stage: Stage) -> str:
    """A wrong signature, a number nobody owns, half a body, a stranger's token: refused, and nothing changed"""
    until(lambda: _settled(stage), "the sandbox to have sent every webhook")
    counts = [WebhookEvent.objects.count(), Message.objects.count(), Contact.objects.count()]
    body = _inbound(stage.phone_number_id)
    answers = {
        "wrong signature": _post(stage, body, "0" * 64),
        "a number nobody owns": _post(stage, foreign := _inbound("999999999999999"), _sign(stage, foreign)),
        "half a body": _post(stage, half := body[: len(body) // 2], _sign(stage, half)),
    }
    same([answer.status_code for answer in answers.values()], [401, 404, 400], "answers")
    stranger = requests.get(
        f"{stage.base_url}/api/v1/cedar/contacts/",
        headers={"Authorization": str(stage.api("mona").session.headers["Authorization"])},
        timeout=30,
    )
    same(stranger.status_code, 401, "a token of another organisation")
    same([WebhookEvent.objects.count(), Message.objects.count(), Contact.objects.count()], counts, "rows")
    codes = [answer.json()["code"] for answer in [*answers.values(), stranger]]
    return ", ".join(codes)


def _settled(stage: Stage) -> bool:
    summary = stage.sandbox.get("summary")
    return not (summary["planned"] or summary["webhooks"]["pending"] or summary["webhooks"]["held"])


def _status_of(message: Message) -> str:
    return str(Message.objects.values_list("status", flat=True).get(pk=message.pk))


def _inbound(phone_number_id: str) -> bytes:
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "97140000001", "phone_number_id": phone_number_id},
        "contacts": [{"wa_id": "971500009999", "user_id": "AE.99", "profile": {"name": "Nobody"}}],
        "messages": [
            {
                "from": "971500009999",
                "id": "wamid.none",
                "timestamp": str(int(timezone.now().timestamp())),
                "type": "text",
                "text": {"body": "hello"},
            }
        ],
    }
    change = {"field": "messages", "value": value}
    waba = "000000000000000" if phone_number_id.startswith("999") else "200000000000001"
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": waba, "changes": [change]}]}).encode()


def _sign(stage: Stage, body: bytes) -> str:
    return hmac.new(stage.app_secret.encode(), body, hashlib.sha256).hexdigest()


def _post(stage: Stage, body: bytes, signature: str) -> requests.Response:
    return requests.post(
        stage.webhook_url,
        data=body,
        headers={"X-Hub-Signature-256": f"sha256={signature}", "Content-Type": "application/json"},
        timeout=30,
    )
