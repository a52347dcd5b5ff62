"""What the back-office pages of crm share: services behind forms, deleting with a way back."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.postgres.fields import ArrayField
from django.db.models import QuerySet, TextField
from django.http import HttpRequest, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from core.actors import Actor
from core.admin import TenantAdmin, call_service
from core.roles import Capability
from core.services import soft_delete
from crm.services import bulk


def actor_of(request: HttpRequest) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor


class ReadOnlyInline(TabularInline):
    """Rows of a related table, to be looked at and followed. `joined` names what their cells show."""

    extra = 0
    hide_title = True
    show_change_link = True
    can_delete = False
    joined: ClassVar[tuple[str, ...]] = ()

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True  # the page around it has asked already

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = self.model._default_manager.visible_to(actor_of(request))
        return rows.select_related(*self.joined).order_by("-pk")


class ServiceForm(forms.ModelForm):
    """Checks the shape of what was typed. The database's rules are asked by services, which say them in our words."""

    def _post_clean(self) -> None:
        self.instance.validate_constraints = lambda exclude=None: None
        super()._post_clean()  # type: ignore[misc]


class ServiceAdmin(TenantAdmin):
    """A form whose fields are the arguments of services: one adds, one changes, under the name of the row."""

    form = ServiceForm
    formfield_overrides = {
        ArrayField: {"widget": UnfoldAdminTextInputWidget, "help_text": _("several are parted by commas")},
        TextField: {"widget": UnfoldAdminTextareaWidget(attrs={"rows": 3})},
    }
    row_argument: ClassVar[str]
    add_service: ClassVar[Any] = None
    change_service: ClassVar[Any] = None

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.add_service is not None and self._may_write(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.change_service is not None and self._may_write(request)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """A refusal is a page that says what to do; the browser's way back keeps what was typed."""
        given = {name: form.cleaned_data[name] for name in form.changed_data}
        cls = type(self)
        if change:
            saved = cls.change_service(actor=actor_of(request), **{self.row_argument: obj}, **given)
        else:
            saved = cls.add_service(actor=actor_of(request), **given)
        obj.pk = saved.pk
        obj.refresh_from_db()


class DeletableAdmin(TenantAdmin):
    """Rows with a way back: deleting hides them and what hangs on them, and the trash restores both."""

    actions = ["delete_with_a_way_back"]

    def has_hide_permission(self, request: HttpRequest) -> bool:
        return actor_of(request).can(Capability.CRM_DELETE)

    @admin.action(description=_("Delete (can be restored from the trash)"), permissions=["hide"])
    def delete_with_a_way_back(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        for row in rows:
            deletion = call_service(self, request, soft_delete, target=row, at=timezone.now())
            if deletion is not None:
                self.message_user(request, f"{row}: {deletion.hidden_count} rows are in the trash.")


class ManyAdmin(DeletableAdmin):
    """Rows of which many are changed at once: the choice is made here, the rest on the page of the change."""

    many_of: ClassVar[str]

    def has_many_permission(self, request: HttpRequest) -> bool:
        return actor_of(request).can(Capability.STOCK_WRITE)

    @admin.action(description=_("Change these (with a preview, and the way back)"), permissions=["many"])
    def change_many(self, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponseRedirect | None:
        actor = actor_of(request)
        made = call_service(self, request, bulk.choose_rows, noun=self.many_of, rows=rows, filters=request.GET.dict())
        return made and HttpResponseRedirect(f"/o/{actor.organization.slug}/changes/{made.pk}/")
