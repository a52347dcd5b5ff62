"""What OpenAPI says of every operation without each view repeating it: the problem answers."""

from __future__ import annotations

from typing import Any, Literal

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema as SpectacularAutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from core.notes import ForTheCode


class TokenScheme(OpenApiAuthenticationExtension):
    """How the document says `Authorization: Bearer majlis_...`."""

    target_class = "core.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "POST sign-in/ for one"}


class SessionScheme(OpenApiAuthenticationExtension):
    target_class = "core.api.authentication.SessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}


class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457, with our stable code."""

    type = serializers.URLField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    request_id = serializers.CharField(required=False)
    details = serializers.DictField(required=False)
    errors = serializers.ListField(child=serializers.DictField(), required=False)


IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "pattern": "^[!-~]{1,255}$"},
    OpenApiParameter.HEADER,
    description="the same request with the same key within 24 hours is done once, and answered the same",
)
IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="the ETag that you read: 412 when the row was changed since"
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match", str, OpenApiParameter.HEADER, description="the ETag that you have: 304 when nothing changed"
)
FIELDS = OpenApiParameter("fields", {"type": "string"}, description="which fields to show, with commas between")
PROBLEM = OpenApiResponse(ProblemSerializer)


# Said once: written out at every operation it is half of the document.
REFUSAL = {
    "description": "A refusal, with a stable code and what to do",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def add_refusal(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Put the one refusal among the components (a hook of drf-spectacular, named in the settings)."""
    result["components"]["responses"] = {"Refusal": REFUSAL}
    return result


class AutoSchema(SpectacularAutoSchema):
    def _get_serializer_field_meta(self, field: Any, direction: Any) -> dict[str, Any]:
        """Notes that the back office does not show stand in the document all the same."""
        meta: dict[str, Any] = super()._get_serializer_field_meta(field, direction)
        model = getattr(getattr(field.parent, "Meta", None), "model", None)
        known = {each.name: each for each in model._meta.fields} if model else {}
        hint = getattr(known.get(field.source), "help_text", None)
        if isinstance(hint, ForTheCode):
            meta.setdefault("description", hint.note)
        return meta

    def map_parsers(self) -> list[Any]:
        """Bodies are JSON; operations that take a file name both (`request={...}`)."""
        return ["application/json"]

    def get_override_parameters(self) -> list[Any]:
        """The headers that every operation of the organisation's rows understands (core/api/writing.py)."""
        named: list[Any] = list(super().get_override_parameters())
        if not hasattr(self.view, "capabilities"):  # signing in stands outside
            return named
        if self.method != "GET":
            return [*named, IDEMPOTENCY_KEY, *([IF_MATCH] if self._has_row() else [])]
        if self._is_row():
            named.append(IF_NONE_MATCH)
        return [*named, FIELDS] if getattr(self.view, "action", None) in {"list", "retrieve"} else named

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> Any:
        """Whatever a view says of its answers: these come from its base."""
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        if direction == "response":
            self._get_response_for_code(PROBLEM, "400")  # names its serializer among the components
            for status in self._refusals():
                bodies.setdefault(status, {"$ref": "#/components/responses/Refusal"})
            if self._is_row():
                bodies["304"] = {"description": "You have it already"}
        return bodies

    def _refusals(self) -> list[str]:
        always = [
            "400",
            "401",
            "403",
            "404",
            "422",
            *(["409", "429", "503"] if hasattr(self.view, "capabilities") else []),
        ]
        if self.method == "GET":
            return always
        return [*always, *(["412"] if self._has_row() else []), "413", "415"]

    def _has_row(self) -> bool:
        return "{id}" in self.path

    def _is_row(self) -> bool:
        return getattr(self.view, "action", None) == "retrieve" and self._has_row()
