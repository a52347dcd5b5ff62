"""The first page, the language, and the pages that say what went wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET, require_POST

from core.actors import Actor
from core.doors import page
from core.models import Membership
from core.roles import Capability

# The roles as people read them: named here so that translators meet them.
ROLES = [
    gettext_noop("Admin"),
    gettext_noop("Manager"),
    gettext_noop("Supervisor"),
    gettext_noop("Agent"),
    gettext_noop("Accountant"),
    gettext_noop("Viewer"),
]


def home(request: HttpRequest) -> HttpResponse:
    """To the one organisation of this person, or a choice between several."""
    if not request.user.is_authenticated:
        return redirect(settings.LOGIN_URL)
    memberships = list(Membership.objects.active().filter(user=request.user).select_related("organization"))
    if len(memberships) == 1:
        return redirect(f"/o/{memberships[0].organization.slug}/")
    return render(request, "core/choose_organization.html", {"memberships": memberships})


@require_GET
def service_worker(request: HttpRequest) -> HttpResponse:
    """The script that keeps the shell on a phone. At the root, as it may only care for what lies below it."""
    answer = HttpResponse(Path(str(finders.find("sw.js"))).read_bytes(), content_type="text/javascript")
    answer["Cache-Control"] = "no-cache"
    return answer


@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Remember the language for this person, and in a cookie for the sign-in page."""
    code = request.POST.get("language", "")
    after = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(after, allowed_hosts={request.get_host()}):
        after = "/"
    response = HttpResponseRedirect(after)
    if code in dict(settings.LANGUAGES):
        remember_language(response, code)
        if request.user.is_authenticated:
            request.user.language = code
            request.user.save(update_fields=["language"])
    return response


@page(None)
def profile(request: HttpRequest) -> HttpResponse:
    """Who I am here, in which language, and the way out."""
    return render(request, "core/profile.html", {"here": "profile"})


def shell(request: HttpRequest) -> dict[str, Any]:
    """For every template: who is here, and where they may go."""
    actor: Actor | None = getattr(request, "actor", None)
    return {
        "actor": actor,
        "organization": getattr(request, "organization", None),
        "can": {capability.name: True for capability in actor.capabilities} if actor else {},
        "may_enter_back_office": actor is not None and actor.can(Capability.BACK_OFFICE),
    }


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _sorry(request, 400, _("That request could not be read."), _("Go back, load the page again and repeat it."))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _sorry(request, 403, _("This is not allowed."), _("If it should be, ask the admin of your office."))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    advice = _("It was moved, the address has a slip, or it belongs to somebody else. Nothing was changed.")
    return _sorry(request, 404, _("There is no such page, or it is not yours to see."), advice)


def too_many(request: HttpRequest) -> HttpResponse:
    return _sorry(request, 429, _("That was too often in a short time."), _("Wait a minute, then try again."))


def server_error(request: HttpRequest) -> HttpResponse:
    advice = _("It has been noted, and nothing you entered was half saved. Try again in a minute.")
    return _sorry(request, 500, _("Something broke on our side."), advice)


def _sorry(request: HttpRequest, status: int, sentence: str, advice: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        code = {400: "bad_request", 403: "not_allowed", 404: "not_found"}.get(status, "server_error")
        body: dict[str, object] = {
            "type": f"https://majlis.dev/problems/{code}",
            "title": code.replace("_", " ").capitalize(),
        }
        body |= {"status": status, "detail": f"{sentence} {advice}", "code": code}
        return JsonResponse(body, status=status, content_type="application/problem+json")
    context = {"status": status, "sentence": sentence, "advice": advice}
    return render(request, "core/sorry.html", context, status=status)


def remember_language(response: HttpResponse, code: str) -> None:
    """In a cookie: the pages before one is in speak it too."""
    response.set_cookie(settings.LANGUAGE_COOKIE_NAME, code, max_age=365 * 24 * 3600, samesite="Lax")
