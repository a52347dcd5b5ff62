"""What every back-office page stands on: the same actor, capabilities and visibility as the other doors."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django.conf import settings
from django.contrib import messages
from django.contrib.admin import EmptyFieldListFilter
from django.contrib.admin import action as site_action
from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.sites import UnfoldAdminSite

from core import audit, exporting, exports, members, services
from core.accounts import invitations
from core.actors import Actor
from core.errors import DomainError
from core.models import AuditEntry, Deletion, Export, Invitation, Membership
from core.models.exports import ExportStatus
from core.office_views import ListWithViews, SiteWithViews
from core.roles import Capability


def acting(request: HttpRequest) -> Actor:
    """Who asks for this page: every page of the back office has somebody."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor


class MajlisAdminSite(SiteWithViews, UnfoldAdminSite):
    """Mounted per organisation at /o/<slug>/admin/; entered with the capability, not with Django's is_staff."""

    def has_permission(self, request: HttpRequest) -> bool:
        """Strangers are sent to sign in; outsiders get 404, and members without the capability are refused in words."""
        if not request.user.is_authenticated:
            return False
        actor: Actor | None = getattr(request, "actor", None)
        if actor is None:
            raise Http404
        actor.require(Capability.BACK_OFFICE)
        return True

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Nobody signs in here: there is one sign-in page for all doors. Whoever is in already is shown the way."""
        if request.user.is_authenticated:
            return HttpResponseRedirect("/")
        return redirect_to_login(request.GET.get("next") or f"{request.get_full_path()}", settings.LOGIN_URL)

    def search(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The palette. Unfold's keeps its answers by user and words alone: whoever works in two houses would be led from
        one into the other."""
        words = request.GET.get("s", "").lower()
        if not words:
            return HttpResponse()
        results = self._search_apps(self.get_app_list(request), words)
        if "extended" in request.GET:
            results += self._get_value(self._get_config("COMMAND", request)["search_callback"], request, words)
        found = Paginator(results, 100)
        page = found.get_page(request.GET.get("page"))
        template = "command_results" if "extended" in request.GET else "search_results"
        context = {"page_obj": found, "results": page, "page_counter": (page.number - 1) * 100, "execution_time": 0}
        return TemplateResponse(request, f"unfold/helpers/{template}.html", context, headers={"HX-Trigger": "search"})


site = MajlisAdminSite(name="admin")


@site_action(description=_("Export as CSV"), permissions=["export"])
def export_csv(admin: TenantAdmin, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponseBase:
    """The rows that were chosen, or all that the filters leave, in the order of the list."""
    return _taken(admin, request, rows, "csv")


@site_action(description=_("Export for Excel"), permissions=["export"])
def export_xlsx(admin: TenantAdmin, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponseBase:
    """As export_csv; numbers are numbers, dates are dates."""
    return _taken(admin, request, rows, "xlsx")


def _taken(admin: TenantAdmin, request: HttpRequest, rows: QuerySet[Any], format: str) -> HttpResponseBase:
    actor = acting(request)
    chosen = len(request.POST.getlist("_selected_action"))
    every = request.POST.get("select_across") == "1"
    filters = {**request.GET.dict(), "chosen": "all that the filters leave" if every else f"{chosen} rows"}
    export = exports.take_list(
        actor=actor, name=admin.opts.label_lower, rows=rows, format=format, filters=filters, at=timezone.now()
    )
    if export.status == ExportStatus.DONE:
        return exports.download(export)
    messages.info(request, f"{export.row_count:,} rows are being written into a file; this page says when it is there.")
    return HttpResponseRedirect(f"/o/{actor.organization.slug}/exports/")


site.add_action(export_csv, "export_csv")
site.add_action(export_xlsx, "export_xlsx")


class AtLeast(int):
    """A count that stopped: so many, and nobody knows how many more."""

    def __str__(self) -> str:
        return f"{int(self):,}+"


class Coloured(tuple[str, Any]):
    """What gives a word its colour in a list (unfold's `label`), and the word, which is all that a form shows of it."""

    def __str__(self) -> str:
        return str(self[1])


class CappedPaginator(Paginator):
    """Counts no further than anybody turns pages: never a COUNT(*) over all rows of a house. Beyond it one filters."""

    COUNTED_TO = 10_000

    @cached_property
    def count(self) -> int:
        found = int(self.object_list.order_by()[: self.COUNTED_TO + 1].count())  # type: ignore[attr-defined]
        return found if found <= self.COUNTED_TO else AtLeast(self.COUNTED_TO)


class TenantAdmin(ListWithViews, ModelAdmin):
    """Rows that this member may see. Read-only unless a subclass names the capability that may write.

    Rows that services own leave `write_capability` empty and offer actions that call those services.
    `export_columns` lets the list be taken along as .csv and .xlsx, here and over the API (core/exporting).
    """

    read_capability: ClassVar[Capability]
    write_capability: ClassVar[Capability | None] = None
    export_columns: ClassVar[exporting.Columns] = ()
    # What a file asks besides crm.export, where that is more than to read the list.
    export_capability: ClassVar[Capability | None] = None
    export_prefetched: ClassVar[tuple[Any, ...]] = ()
    # What else is to be known of whoever takes these rows along (numbers that were disclosed).
    export_taken: ClassVar[Any] = None
    list_per_page = 50
    paginator = CappedPaginator
    show_full_result_count = False
    list_filter_submit = True
    compressed_fields = True

    def __init__(self, model: type[Model], admin_site: Any) -> None:
        super().__init__(model, admin_site)
        if self.export_columns:
            exporting.declare(
                model,
                self.export_columns,
                capability=self.export_capability or self.read_capability,
                prefetched=self.export_prefetched,
                rows=self.export_rows,
                taken=type(self).export_taken,
            )

    def export_rows(self, actor: Actor) -> QuerySet[Any]:
        """The rows of this list that an actor may take along."""
        rows: QuerySet[Any] = self.model._default_manager.visible_to(actor)
        return rows

    def has_export_permission(self, request: HttpRequest) -> bool:
        return bool(self.export_columns) and acting(request).can(Capability.CRM_EXPORT)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return self.model._default_manager.visible_to(request.actor).order_by("-pk")  # type: ignore[attr-defined]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        actor: Actor | None = getattr(request, "actor", None)
        return actor is not None and actor.can(self.read_capability)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._may_write(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._may_write(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # deleting is a service with a way back: offered as an action where it exists

    def _may_write(self, request: HttpRequest) -> bool:
        actor: Actor | None = getattr(request, "actor", None)
        return self.write_capability is not None and actor is not None and actor.can(self.write_capability)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Pickers offer only what this member may see."""
        manager = db_field.related_model._default_manager
        if hasattr(manager, "visible_to"):
            kwargs["queryset"] = manager.visible_to(request.actor)  # type: ignore[attr-defined]
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Plain rows: the organisation is the one of the address, and the trail keeps before and after."""
        before = audit.snapshot(self.model._default_manager.get(pk=obj.pk), form.changed_data) if change else {}
        obj.organization = request.actor.organization  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)
        audit.record(
            actor=request.actor,  # type: ignore[attr-defined]
            action=f"{obj._meta.app_label}.{obj._meta.model_name}_{'changed' if change else 'added'}",
            target=obj,
            before=before,
            after=audit.snapshot(obj, form.changed_data if change else None),
        )

    # Django's own log knows no organisation: the audit trail replaces it.
    def log_addition(self, *_: Any) -> None: ...

    def log_change(self, *_: Any) -> None: ...

    def log_deletions(self, *_: Any) -> None: ...

    def trail_of(self, target: Any) -> list[int]:
        """The ids whose trail is this row's: its own, and of rows that became part of it."""
        return [target.pk]

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """The audit trail of one row."""
        target = self.get_object(request, object_id)
        if target is None or not self.has_view_permission(request, target):
            raise Http404
        entries = AuditEntry.objects.filter(
            organization=request.actor.organization,  # type: ignore[attr-defined]
            target_type=target._meta.label_lower,
            target_id__in=self.trail_of(target),
        ).select_related("user", "token")
        context = {
            **self.admin_site.each_context(request),
            "title": f"History of {target}",
            "entries": entries.order_by("-id")[:200],
            "opts": self.opts,
            "object": target,
        }
        return render(request, "core/admin_history.html", context)


class AuditEntryAdmin(TenantAdmin):
    read_capability = Capability.AUDIT_READ
    list_display: ClassVar = ["at", "user", "action", "target_type", "target_id", "address"]
    list_filter: ClassVar = ["action", "target_type"]
    list_select_related: ClassVar = ["user"]
    search_fields: ClassVar = ["action", "target_type", "request_id"]
    fields: ClassVar = [
        "at", "user", "token", "action", "target_type", "target_id", "was", "became", "address", "request_id",
    ]  # fmt: skip
    readonly_fields: ClassVar = ["was", "became"]
    export_columns: ClassVar = [
        "at", ("By", "user.name"), "action", "target_type", ("Row", "target_id"), "address",
        ("Before", lambda entry: audit.shown(entry.before)), ("After", lambda entry: audit.shown(entry.after)),
    ]  # fmt: skip

    def was(self, entry: AuditEntry) -> str:
        return json.dumps(audit.shown(entry.before), ensure_ascii=False)

    was.short_description = _("Before")  # type: ignore[attr-defined]

    def became(self, entry: AuditEntry) -> str:
        return json.dumps(audit.shown(entry.after), ensure_ascii=False)

    became.short_description = _("After")  # type: ignore[attr-defined]


class DeletionAdmin(TenantAdmin):
    """The trash: what was deleted, by whom, and the way back."""

    read_capability = Capability.CRM_DELETE
    list_display: ClassVar = ["label", "target_type", "hidden_count", "user", "at", "restored_at"]
    list_filter: ClassVar = ["target_type"]
    list_select_related: ClassVar = ["user"]
    search_fields: ClassVar = ["label"]
    actions: ClassVar = ["restore"]
    export_columns: ClassVar = ["label", "target_type", "hidden_count", ("By", "user.name"), "at", "restored_at"]

    def restore(self, request: HttpRequest, deletions: QuerySet[Deletion]) -> None:
        for deletion in deletions:
            restored = call_service(self, request, services.restore_deletion, deletion=deletion, at=timezone.now())
            if restored is not None:
                self.message_user(request, f"{deletion.label}: {restored} rows are back.")

    restore.short_description = _("Restore")  # type: ignore[attr-defined]


class MembershipAdmin(TenantAdmin):
    read_capability = Capability.MEMBERS_MANAGE
    list_display: ClassVar = ["user", "role", "reports_to", "suspended_at"]
    list_filter: ClassVar = ["role"]
    list_select_related: ClassVar = ["user", "reports_to__user"]
    search_fields: ClassVar = ["user__name", "user__email"]
    actions: ClassVar = ["look", "suspend", "reinstate"]
    export_columns: ClassVar = [
        ("Name", "user.name"), ("E-mail", "user.email"), "role", ("Reports to", "reports_to.user.name"), "suspended_at",
    ]  # fmt: skip

    def export_rows(self, actor: Actor) -> QuerySet[Membership]:
        return Membership.objects.filter(organization=actor.organization)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return Membership.objects.filter(organization=request.actor.organization)  # type: ignore[attr-defined]

    def look(self, request: HttpRequest, chosen: QuerySet[Membership]) -> HttpResponse | None:
        """To the page that asks why (core/accounts/looking.py)."""
        members = list(chosen[:2])
        if len(members) != 1:
            self.message_user(request, _("Choose one member."), messages.ERROR)
            return None
        return HttpResponseRedirect(f"/o/{acting(request).organization.slug}/members/{members[0].pk}/look/")

    look.short_description = _("See Majlis as this member")  # type: ignore[attr-defined]

    def suspend(self, request: HttpRequest, chosen: QuerySet[Membership]) -> None:
        for member in chosen.select_related("user"):
            given = {"membership": member, "reason": "suspended in the back office", "at": timezone.now()}
            if call_service(self, request, members.suspend_member, **given) is not None:
                self.message_user(request, f"{member.user.name} is suspended: sessions and tokens have ended.")

    suspend.short_description = _("Suspend (sessions and tokens end at once)")  # type: ignore[attr-defined]

    def reinstate(self, request: HttpRequest, chosen: QuerySet[Membership]) -> None:
        for member in chosen.select_related("user"):
            if call_service(self, request, members.reinstate_member, membership=member, at=timezone.now()) is not None:
                self.message_user(request, f"{member.user.name} may sign in again.")

    reinstate.short_description = _("Let in again")  # type: ignore[attr-defined]


class InvitationAdmin(TenantAdmin):
    """Whom we asked in; new ones are sent on the page of invitations."""

    read_capability = Capability.AGENTS_MANAGE
    list_display: ClassVar = [
        "email",
        "name",
        "role",
        "invited_by",
        "created_at",
        "expires_at",
        "accepted_at",
        "revoked_at",
    ]
    list_filter: ClassVar = ["role", ("accepted_at", EmptyFieldListFilter), ("revoked_at", EmptyFieldListFilter)]
    list_select_related: ClassVar = ["invited_by__user"]
    search_fields: ClassVar = ["email", "name"]
    fields: ClassVar = [
        "email", "name", "role", "language", "invited_by", "created_at", "expires_at", "accepted_at", "membership",
        "revoked_at",
    ]  # fmt: skip
    actions: ClassVar = ["revoke"]
    export_columns: ClassVar = [
        "email", "name", "role", ("By", "invited_by.user.name"), "created_at", "expires_at", "accepted_at", "revoked_at",
    ]  # fmt: skip

    def revoke(self, request: HttpRequest, chosen: QuerySet[Invitation]) -> None:
        for row in chosen:
            if call_service(self, request, invitations.revoke, invitation=row, at=timezone.now()) is not None:
                self.message_user(request, _("%(email)s: the link works no longer.") % {"email": row.email})

    revoke.short_description = _("Revoke (the link works no longer)")  # type: ignore[attr-defined]


class ExportAdmin(TenantAdmin):
    """One's own exports; the files are on the agents' page of them."""

    read_capability = Capability.CRM_EXPORT
    list_display: ClassVar = ["title", "format", "status", "row_count", "created_at", "expires_at", "error"]
    list_filter: ClassVar = ["status", "format"]
    fields: ClassVar = [
        "title", "format", "status", "row_count", "filters", "file_hash", "file_size", "created_at", "finished_at",
        "expires_at", "error",
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("ids")


def call_service(admin: ModelAdmin, request: HttpRequest, service: Any, **kwargs: Any) -> Any:
    """Call one service for an admin action; a refusal becomes a message on the page and the answer is None."""
    try:
        return service(actor=request.actor, **kwargs)  # type: ignore[attr-defined]
    except DomainError as error:
        admin.message_user(request, error.message, messages.ERROR)
        return None


site.register(AuditEntry, AuditEntryAdmin)
site.register(Deletion, DeletionAdmin)
site.register(Export, ExportAdmin)
site.register(Invitation, InvitationAdmin)
site.register(Membership, MembershipAdmin)
