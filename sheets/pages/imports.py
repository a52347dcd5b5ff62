"""The list of imports, and the upload."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods

from core.actors import Actor
from core.doors import page
from core.errors import DomainError
from core.roles import Capability
from sheets import files, selectors, services
from sheets.forms import UploadForm
from sheets.models import RunStatus
from sheets.pages.wording import STATUSES, TONES

PAGE = 40


@require_GET
@page(Capability.SHEETS_IMPORT)
def imports(request: HttpRequest) -> HttpResponse:
    """What was uploaded, newest first, and how far each is."""
    status, search = request.GET.get("status", ""), request.GET.get("q", "").strip()
    status = status if status in RunStatus.values else ""
    listing = selectors.import_list(
        actor=actor_of(request), status=status, search=search, before=number_in(request, "before"), limit=PAGE
    )
    asked = {"q": search, "status": status}
    context = {
        "here": "imports",
        "rows": [(run, _(STATUSES[RunStatus(run.status)]), TONES.get(run.status, "")) for run in listing.rows],
        "next_cursor": listing.next,
        "search": search,
        "status": status,
        "statuses": [(value, _(label)) for value, label in STATUSES.items()],
        "list_query": urlencode({name: value for name, value in asked.items() if value}),
    }
    return render(request, "sheets/imports.html", context)


# The token is looked for in the body, after our handler has been put before those that would keep the file.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: HttpRequest, **kwargs: str) -> HttpResponseBase:
    """Upload a file; a refusal says what to do and keeps nothing."""
    refusing = files.Refusing(request)
    request.upload_handlers.insert(0, refusing)
    request.refusing = refusing  # type: ignore[attr-defined]
    return _upload(request, **kwargs)


@csrf_protect
@page(Capability.SHEETS_IMPORT)
def _upload(request: HttpRequest) -> HttpResponse:
    form = UploadForm(request.POST or None, request.FILES or None, initial={"table": request.GET.get("table", "")})
    if request.method != "POST":
        return render(request, "sheets/upload.html", {"here": "imports", "form": form})
    actor = actor_of(request)
    try:
        request.refusing.check()  # type: ignore[attr-defined]
        form = UploadForm(request.POST, request.FILES)
        if form.is_valid():
            file, table = form.cleaned_data["file"], form.cleaned_data["table"]
            run = services.create_import(actor=actor, file=file, name=file.name, table=table, at=timezone.now())
            return redirect("import", actor.organization.slug, run.pk)
    except DomainError as error:
        form = UploadForm(initial={"table": request.POST.get("table", "")})
        refusal = _(error.message)
        context = {"here": "imports", "form": form, "refusal": refusal}
        return render(request, "sheets/upload.html", context, status=422)
    return render(request, "sheets/upload.html", {"here": "imports", "form": form}, status=422)


upload.capability = _upload.capability  # type: ignore[attr-defined]


def actor_of(request: HttpRequest) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor


def number_in(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
