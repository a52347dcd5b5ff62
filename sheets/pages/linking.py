"""Google accounts, linking a sheet, and everything that is decided about one."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from core.doors import page
from core.errors import DomainError, NotFound
from core.roles import Capability
from sheets import selectors
from sheets.forms import AccountForm, AddressForm, LinkedForm
from sheets.google import Document
from sheets.headers import is_nameless
from sheets.mapping import fields_of
from sheets.models import GoogleAccount
from sheets.pages.imports import actor_of
from sheets.sync import linking, requests
from sheets.sync.unlinking import preview_unlinking, unlink_sheet
from sheets.tables import table_named

LINK = Capability.SHEETS_LINK


@require_http_methods(["GET", "HEAD", "POST"])
@page(LINK)
def google_accounts(request: HttpRequest) -> HttpResponse:
    """The accounts with which sheets are shared; POST adds one, or a new key of one that is there."""
    actor = actor_of(request)
    form, refusal = AccountForm(request.POST or None, request.FILES or None), ""
    if request.method == "POST" and form.is_valid():
        try:
            account = linking.add_account(actor=actor, at=timezone.now(), **form.cleaned_data)
            messages.success(request, _("Share every sheet with %(email)s, as an editor.") % {"email": account.email})
            return redirect("google-accounts", actor.organization.slug)
        except DomainError as error:
            refusal = _(error.message)
    context = {"here": "sheets", "form": form, "refusal": refusal, "accounts": selectors.accounts(actor=actor)}
    return render(request, "sheets/accounts.html", context, status=422 if request.method == "POST" else 200)


@require_POST
@page(LINK)
def account_removal(request: HttpRequest, account_id: int) -> HttpResponse:
    """Forget an account and its key."""
    actor = actor_of(request)
    account = GoogleAccount.objects.visible_to(actor).filter(pk=account_id).first()
    if account is None:
        raise NotFound("There is no such account here.")
    try:
        linking.remove_account(actor=actor, account=account, at=timezone.now())
        messages.success(request, _("The account is removed and its key forgotten."))
    except DomainError as error:
        messages.error(request, _(error.message))
    return redirect("google-accounts", actor.organization.slug)


@require_http_methods(["GET", "HEAD", "POST"])
@page(LINK)
def link(request: HttpRequest) -> HttpResponse:
    """Paste the address; Google says which tabs there are; choose one. The mapping comes next."""
    actor = actor_of(request)
    form = AddressForm(actor.organization.pk, request.POST or None, initial={"address": request.GET.get("address", "")})
    document: Document | None = None
    refusal = ""
    if request.method == "POST" and form.is_valid():
        chosen, tab = form.cleaned_data, request.POST.get("tab", "")
        try:
            if tab.isascii() and tab.isdigit() and len(tab) <= 18:
                sheet = linking.link_sheet(
                    actor=actor, account=chosen["account"], address=chosen["address"], tab_id=int(tab),
                    table=chosen["table"], at=timezone.now(),
                )  # fmt: skip
                return redirect("linked-sheet-mapping", actor.organization.slug, sheet.pk)
            _id, document = linking.look_into(actor=actor, account=chosen["account"], address=chosen["address"])
        except DomainError as error:
            refusal = _(error.message)
    context = {
        "here": "sheets",
        "form": form,
        "document": document,
        "refusal": refusal,
        "accounts": selectors.accounts(actor=actor),
    }
    return render(request, "sheets/link.html", context, status=422 if refusal or form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@page(LINK)
def linked_mapping(request: HttpRequest, sheet_id: int) -> HttpResponse:
    """Which column is what, and who may change it. A sheet that never synced is tried out next."""
    actor = actor_of(request)
    sheet = selectors.linked_found(actor=actor, sheet_id=sheet_id)
    if sheet.unlinked_at:
        return redirect("linked-sheet", actor.organization.slug, sheet.pk)
    refusal, samples, silence = "", [], ""
    if request.method == "POST":
        form = LinkedForm(sheet, request.POST)
        if form.is_valid():
            try:
                linking.change_linked_sheet(actor=actor, spreadsheet=sheet, at=timezone.now(), **form.change())
                if "dry_run" in request.POST:
                    run = requests.request_sync(actor=actor, spreadsheet=sheet, at=timezone.now(), dry_run=True)
                    if run:
                        return redirect("sheet-sync", actor.organization.slug, sheet.pk, run.pk)
                messages.success(request, _("It is saved; the next sync goes by it."))
                return redirect("linked-sheet", actor.organization.slug, sheet.pk)
            except DomainError as error:
                refusal = _(error.message)
    else:
        try:
            samples = linking.samples(actor=actor, spreadsheet=sheet)
        except DomainError as error:  # the mapping can be changed all the same
            silence = _(error.message)
        form = LinkedForm(sheet, samples=samples)
    lacking = table_named(sheet.table).lacks(fields_of(sheet.mapping))
    columns = list(form.columns())
    nameless = [each for each in columns if is_nameless(each.header) and not each.samples and not each.field.value()]
    context = {
        "here": "sheets",
        "sheet": sheet,
        "form": form,
        "columns": [each for each in columns if each not in nameless],
        "nameless": nameless,
        "refusal": refusal,
        "silence": silence,
        "lacking": _(lacking) if lacking else "",
    }
    return render(request, "sheets/linked_mapping.html", context, status=422 if refusal or form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@page(LINK)
def unlinking(request: HttpRequest, sheet_id: int) -> HttpResponse:
    """What letting go of a sheet means, and the button that does it."""
    actor = actor_of(request)
    sheet = selectors.linked_found(actor=actor, sheet_id=sheet_id)
    if sheet.unlinked_at:
        return redirect("linked-sheet", actor.organization.slug, sheet.pk)
    if request.method == "POST":
        try:
            done = unlink_sheet(
                actor=actor, spreadsheet=sheet, at=timezone.now(), remove_ids=request.POST.get("ids") == "remove"
            )
        except DomainError as error:
            messages.error(request, _(error.message))
            return redirect("linked-sheet-unlinking", actor.organization.slug, sheet.pk)
        messages.success(request, _("The sheet is unlinked. Its units and its history stay."))
        if done.ids_left:
            messages.warning(
                request,
                _("The hidden column majlis_id could not be removed and stands there still: %(why)s")
                % {"why": _(done.ids_left)},
            )
        return redirect("linked-sheet", actor.organization.slug, sheet.pk)
    context = {"here": "sheets", "sheet": sheet, "found": preview_unlinking(actor=actor, spreadsheet=sheet)}
    return render(request, "sheets/unlinking.html", context)
