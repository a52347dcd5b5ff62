"""What OpenAPI says of every operation without each view repeating it: the problem answers."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema as SpectacularAutoSchema
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers


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


class AutoSchema(SpectacularAutoSchema):
    def get_response_serializers(self) -> Any:
        found: Any = super().get_response_serializers()
        if not isinstance(found, dict):
            found = {self._success_status(): found}
        problem = OpenApiResponse(ProblemSerializer, description="A refusal, with a stable code and what to do")
        for status in self._refusals():
            found.setdefault((status, "application/problem+json"), problem)
        return found

    def _success_status(self) -> str:
        return {"POST": "201", "DELETE": "204"}.get(self.method, "200")

    def _refusals(self) -> list[str]:
        always = ["401", "403", "404"]
        return always if self.method == "GET" else [*always, "400", "409", "415", "422"]
