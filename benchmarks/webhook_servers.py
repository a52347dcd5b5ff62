"""What webhook intake is measured against: the same server doing nothing, and Django REST framework with the ORM.

`uvicorn benchmarks.webhook_servers:nothing` and `...:rival`. The rival is treated well: one middleware, a connection pool,
the organisation fixed in the connection (no scope to open), one app secret that is never looked up.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import Any

import orjson

ANSWER = b'{"event":1}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(ANSWER)).encode())]


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    """Reads the body and answers 200."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": ANSWER})


def rival() -> Any:
    """An ASGI application: one DRF view, with one row for the webhook and one save for what it says."""
    from django.conf import settings
    from django.core.asgi import get_asgi_application

    settings.ROOT_URLCONF = urls
    settings.MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
    settings.DATABASES["default"]["OPTIONS"]["options"] += f" -c majlis.organization={os.environ['BENCH_ORGANIZATION']}"
    application = get_asgi_application()

    from django.db import transaction
    from django.urls import path
    from django.utils import timezone
    from rest_framework.response import Response
    from rest_framework.views import APIView

    from messaging.models import Channel, Conversation, Message, WebhookEvent

    organization_id, secret = int(os.environ["BENCH_ORGANIZATION"]), os.environ["BENCH_SECRET"].encode()

    class Webhook(APIView):
        authentication_classes: Any = []
        permission_classes: Any = []

        def handle_exception(self, exc: Exception) -> Any:
            import traceback

            traceback.print_exc()
            return super().handle_exception(exc)

        def post(self, request: Any) -> Response:
            expected = "sha256=" + hmac.digest(secret, request._request.body, hashlib.sha256).hex()
            if not hmac.compare_digest(expected, request.headers["X-Hub-Signature-256"]):
                return Response(status=401)
            with transaction.atomic():
                event = WebhookEvent.objects.create(
                    organization_id=organization_id,
                    body=request._request.body,
                    signature_verified=True,
                    received_at=timezone.now(),
                )
                for entry in orjson.loads(request._request.body)["entry"]:
                    for change in entry["changes"]:
                        self.save(change["value"])
            return Response({"event": event.pk})

        def save(self, value: Any) -> None:
            channel = Channel.objects.defer("access_token", "app_secret", "verify_token").get(
                phone_number_id=value["metadata"]["phone_number_id"]
            )
            for status in value.get("statuses", []):
                message = Message.objects.get(channel=channel, provider_id=status["id"])
                message.status = status["status"]
                message.save()
            for said in value.get("messages", []):
                talk = Conversation.objects.get(channel=channel, address=said["from"])
                Message.objects.create(
                    organization_id=organization_id,
                    conversation=talk,
                    channel=channel,
                    direction="inbound",
                    status="received",
                    body=said["text"]["body"],
                    provider_id=said["id"],
                    at=timezone.now(),
                )
                talk.unread_count += 1
                talk.save()

    urls.urlpatterns = [path("webhooks/whatsapp/bench/", Webhook.as_view())]
    return application


class urls:  # noqa: N801 - stands for a module
    """The rival's only address."""

    urlpatterns: Any = []
