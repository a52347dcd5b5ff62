"""One's own keys to the API: made here, seen with their last use, and ended."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from core import services
from core.actors import Actor
from core.doors import page
from core.models import ApiToken
from core.roles import Capability

SHOWN = 100
LONGEST_NAME = 100


@never_cache
@require_http_methods(["GET", "POST"])
@page(Capability.CRM_READ)
def token_list(request: HttpRequest) -> HttpResponse:
    """Those that open the API, or with `all` the ended ones too. POST makes one; its secret is on that answer alone."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    now, secret, name = timezone.now(), "", request.POST.get("name", "").strip()[:LONGEST_NAME]
    if request.method == "POST" and name:
        reads = [each.value for each in sorted(actor.capabilities) if each.value.endswith(".read")]
        scopes = reads if request.POST.get("may") == "read" else []
        _token, secret = services.issue_token(actor=actor, name=name, scopes=scopes, at=now)
    rows = ApiToken.objects.visible_to(actor).filter(membership=actor.membership).order_by("-pk")
    every = "all" in request.GET
    context = {
        "here": "tokens", "rows": (rows if every else rows.usable(now))[:SHOWN], "every": every, "secret": secret,
        "now": now, "nameless": request.method == "POST" and not name,
    }  # fmt: skip
    return render(request, "core/tokens.html", context, status=422 if context["nameless"] else 200)


@require_POST
@page(Capability.CRM_READ)
def token_ended(request: HttpRequest, token_id: int) -> HttpResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    own = ApiToken.objects.visible_to(actor).filter(membership=actor.membership)
    services.revoke_token(actor=actor, token=get_object_or_404(own, pk=token_id), at=timezone.now())
    messages.success(request, _("It opens nothing any more."))
    return redirect("tokens", actor.organization.slug)
