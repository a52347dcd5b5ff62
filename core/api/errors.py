"""The one table that turns refusals into HTTP: RFC 9457 problem+json with our stable `code`."""

from __future__ import annotations

import math
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from core.errors import DomainError
from core.middleware import status_of

CONTENT_TYPE = "application/problem+json"


def problem(*, status: int, code: str, detail: str, details: Any = None, errors: Any = None) -> Response:
    """A problem document as DRF's answer."""
    body = problem_body(status=status, code=code, detail=detail, details=details, errors=errors)
    return Response(body, status=status, content_type=CONTENT_TYPE)


def problem_body(*, status: int, code: str, detail: str, details: Any = None, errors: Any = None) -> dict[str, Any]:
    """Type, title, status, detail (RFC 9457), with code, and details or field errors."""
    body: dict[str, Any] = {
        "type": f"https://majlis.dev/problems/{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "detail": detail,
        "code": code,
    }
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    if request_id:
        body["request_id"] = request_id
    if details:
        body["details"] = details
    if errors:
        body["errors"] = errors
    return body


def problem_response(error: Exception, _context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. Anything that is not a foreseen refusal is a bug, and surfaces as 500."""
    answer = _problem_of(error)
    if answer is not None:
        set_rollback()
    return answer


def _problem_of(error: Exception) -> Response | None:
    if isinstance(error, DomainError):
        return problem(status=status_of(error), code=error.code, detail=error.message, details=dict(error.details))
    if isinstance(error, Http404):
        return problem(status=404, code="not_found", detail="There is no such thing here.")
    if isinstance(error, PermissionDenied):
        return problem(status=403, code="not_allowed", detail="This is not allowed.")
    if isinstance(error, exceptions.ValidationError):
        errors = list(_field_errors(error.detail, ""))
        detail = "; ".join(f"{item['field']}: {item['message']}" for item in errors)
        return problem(status=400, code="invalid_input", detail=detail, errors=errors)
    if isinstance(error, exceptions.APIException):
        code = str(error.get_codes()) if isinstance(error.get_codes(), str) else error.default_code
        answer = problem(status=error.status_code, code=code, detail=str(error.detail))
        if getattr(error, "auth_header", None):
            answer["WWW-Authenticate"] = error.auth_header  # type: ignore[attr-defined]
        if getattr(error, "wait", None):
            answer["Retry-After"] = str(math.ceil(error.wait))  # type: ignore[attr-defined]
        return answer
    return None


def _field_errors(detail: Any, path: str) -> Any:
    """Flatten DRF's nested errors into {"field", "code", "message"}."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _field_errors(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            nested = isinstance(inner, dict | list)
            yield from _field_errors(inner, f"{path}[{index}]" if nested else path)
    else:
        yield {"field": path or "body", "code": getattr(detail, "code", "invalid"), "message": str(detail)}
