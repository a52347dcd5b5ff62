"""Where WhatsApp calls us: /webhooks/whatsapp/<organisation>/. Verify, store, answer 200; thinking comes later."""

from __future__ import annotations

import hmac
from typing import Any

import structlog
from django.http import HttpResponse
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from messaging.errors import ChannelUnknown, SignatureInvalid, WebhookMalformed
from messaging.services import intake

log = structlog.get_logger(__name__)

LARGEST_BODY = 3 * 1024 * 1024


class Refused(exceptions.APIException):
    """An answer that WhatsApp can act on: the status, and our code."""

    def __init__(self, status_code: int, code: str, detail: str) -> None:
        super().__init__(detail, code)
        self.status_code = status_code


@extend_schema(exclude=True)
class WebhookView(APIView):
    """The handshake (GET) and deliveries (POST). Nobody signs in here: deliveries are signed, the handshake is not."""

    authentication_classes = []
    permission_classes = [AllowAny]

    def get(self, request: Request, **_: Any) -> HttpResponse:
        """Meta proves that it knows our verify token, and we prove that we are there by repeating its challenge."""
        organization = request._request.organization  # type: ignore[attr-defined]
        given = request.query_params.get("hub.verify_token", "")
        mode = request.query_params.get("hub.mode", "")
        is_known = intake.is_verify_token(organization=organization, given=given)
        if not is_known or not hmac.compare_digest(mode.encode(errors="replace"), b"subscribe"):
            log.warning("webhook_refused", reason="verify_token", organization_id=organization.pk)
            raise Refused(
                status.HTTP_403_FORBIDDEN, "verify_token_invalid", "The verify token is not that of a number here."
            )
        challenge = request.query_params.get("hub.challenge", "")
        return HttpResponse(challenge[:1024], content_type="text/plain; charset=utf-8")

    def post(self, request: Request, **_: Any) -> Response:
        organization = request._request.organization  # type: ignore[attr-defined]
        body = _body(request)
        signature = request.headers.get("X-Hub-Signature-256", "")
        try:
            event = intake.receive_webhook(organization=organization, body=body, signature=signature, at=timezone.now())
        except SignatureInvalid as error:
            raise Refused(status.HTTP_401_UNAUTHORIZED, error.code, error.message) from None
        except WebhookMalformed as error:
            raise Refused(status.HTTP_400_BAD_REQUEST, error.code, error.message) from None
        except ChannelUnknown as error:
            raise Refused(status.HTTP_404_NOT_FOUND, error.code, error.message) from None
        return Response({"event": event.pk})


def _body(request: Request) -> bytes:
    """The raw bytes, never more than WhatsApp sends."""
    too_large = Refused(
        status.HTTP_413_REQUEST_ENTITY_TOO_LARGE, "webhook_too_large", "A webhook has at most 3 MB; send it in parts."
    )
    try:
        announced = int(request.headers.get("Content-Length") or 0)
    except ValueError:
        announced = 0
    if announced > LARGEST_BODY:
        raise too_large
    body: bytes = request._request.read(LARGEST_BODY + 1)
    if len(body) > LARGEST_BODY:
        raise too_large
    return body


urlpatterns = [path("", WebhookView.as_view(), name="whatsapp-webhook")]
