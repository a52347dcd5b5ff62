"""The door: from the address to the organisation, and from a refusal to a page."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.shortcuts import render
from django.urls import get_script_prefix, set_script_prefix
from django.utils import timezone
from django_structlog.middlewares import RequestMiddleware

from core.actors import Actor
from core.errors import Conflict, DomainError, Invalid, NotAllowed, NotFound, Unavailable
from core.models import Membership, Organization
from core.models.organization import OrganizationStatus
from core.tenancy import organization_scope

ADDRESS = re.compile(r"^/(?P<door>o|api/v1)/(?P<slug>[-a-zA-Z0-9_]+)(?P<rest>/.*)?$")

COMPRESSED = {
    "text/html", "text/css", "text/javascript", "application/javascript", "image/svg+xml", "application/manifest+json",
}  # fmt: skip

STATUS: dict[type[DomainError], int] = {NotFound: 404, Invalid: 422, NotAllowed: 403, Conflict: 409, Unavailable: 503}


def status_of(error: DomainError) -> int:
    """The HTTP status of a refusal, by its kind."""
    return next(status for kind, status in STATUS.items() if isinstance(error, kind))


class RequestLogMiddleware(RequestMiddleware):
    """One line when a request starts and one when it ends, with the id that the request was given.

    Without the query: people search by names and numbers.
    """

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {request.path}"


class PermissionsMiddleware:
    """No page of ours asks for these, so that none that is tricked into it gets them either."""

    POLICY = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers["Permissions-Policy"] = self.POLICY
        return response


class CompressionMiddleware(GZipMiddleware):
    """Pages, styles, scripts and drawings go compressed: on a slow line they are most of the wait.

    Nothing else does: files are compressed already, a stream must not be held back, and an API's client asks by itself.
    Django hides how long a page with a secret in it is by a random tail (BREACH).
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        kind = response.headers.get("Content-Type", "").partition(";")[0]
        return super().process_response(request, response) if kind in COMPRESSED else response


class OrganizationMiddleware:
    """Finds the organisation named in the address, opens its scope, and says who acts.

    Sets `request.organization` and `request.actor` (None for someone who is not a member: the doors answer 404).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.organization = request.actor = None  # type: ignore[attr-defined]
        address = ADDRESS.match(request.path_info)
        if address is None:
            if request.path_info.startswith("/admin"):
                raise Http404  # only inside an organisation
            return self.get_response(request)
        organization = Organization.objects.filter(slug=address["slug"], status=OrganizationStatus.ACTIVE).first()
        if organization is None:
            raise Http404
        request.organization = organization  # type: ignore[attr-defined]
        before = get_script_prefix()
        if address["door"] == "o" and (address["rest"] or "").startswith("/admin"):
            # Django's admin knows no arguments in its addresses: to it, the organisation is where it is mounted.
            set_script_prefix(f"/o/{organization.slug}/")
            request.path_info = address["rest"]
        # Pages show the organisation's clock; the API speaks UTC.
        clock = organization.time_zone if address["door"] == "o" else timezone.get_default_timezone()
        actor = request.actor = actor_of(request, organization)  # type: ignore[attr-defined]
        membership_id = actor.membership.pk if actor and actor.membership else None
        source = source_of(address["door"], request.path_info)
        with (
            organization_scope(organization.pk, membership_id=membership_id, source=source),
            timezone.override(clock),
        ):
            try:
                return self.get_response(request)
            finally:
                set_script_prefix(before)


def source_of(door: str, path: str) -> str:
    """Through which door a change comes, as history tells it (crm/models/history.py)."""
    if door == "o":
        return "back_office" if path.startswith("/admin") else "page"
    return "api"


def actor_of(request: HttpRequest, organization: Organization) -> Actor | None:
    """The signed-in member, or None. (Token requests are told apart in core/api/authentication.py.)"""
    if not request.user.is_authenticated:
        return None
    membership = Membership.objects.active().select_related("user").filter(organization=organization, user=request.user)
    found = membership.first()
    return Actor(organization, found, address=request.META.get("REMOTE_ADDR")) if found else None


class DomainErrorMiddleware:
    """A refusal that a page did not handle itself becomes a page that says it in words, with the right status."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, DomainError):
            return None
        status = status_of(exception)
        return render(request, "core/refusal.html", {"error": exception, "status": status}, status=status)
