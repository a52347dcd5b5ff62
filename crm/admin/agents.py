"""Agents, and what they work on."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from core.admin import call_service, site
from core.roles import Capability
from crm import services
from crm.admin.base import ReadOnlyInline, ServiceAdmin, actor_of
from crm.models import Agent, ProjectAssignment
from crm.models.agents import AssignmentStatus


class AssignmentInline(ReadOnlyInline):
    model = ProjectAssignment
    fk_name = "agent"
    joined = ("project", "property")
    fields = ["project", "property", "status", "due_on"]


@admin.register(Agent, site=site)
class AgentAdmin(ServiceAdmin):
    read_capability = Capability.CRM_READ
    write_capability = Capability.AGENTS_MANAGE
    row_argument = "agent"
    add_service = services.create_agent
    change_service = services.update_agent
    list_display = ["name", "status", "whatsapp_number", "commission"]
    list_filter = ["status"]
    search_fields = ["name", "whatsapp_number"]
    fields = ["membership", "name", "whatsapp_number", "expertise_areas", "commission_basis_points", "status"]
    inlines = [AssignmentInline]
    actions = ["leave"]
    export_columns = [
        "name", ("Member", "membership.user.name"), ("Supervisor", "membership.reports_to.user.name"), "status",
        ("WhatsApp", "whatsapp_number"), ("Commission (basis points)", "commission_basis_points"),
        ("Areas", "expertise_areas"),
    ]  # fmt: skip

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Who it is is said once; what state, afterwards."""
        hidden = "status" if obj is None else ""
        return [name for name in self.fields if name != hidden]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [] if obj is None else ["membership"]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        if "name" in form.base_fields:
            form.base_fields["name"].required = False
            form.base_fields["name"].help_text = _("the member's name when left empty")
        return form

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "membership":
            members = db_field.related_model.objects.filter(organization=actor_of(request).organization)
            kwargs["queryset"] = members.select_related("user")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @display(description=_("Commission"), ordering="commission_basis_points")
    def commission(self, agent: Agent) -> str:
        points = agent.commission_basis_points
        return "" if points is None else f"{points / 100:g} %"

    @admin.action(description=_("Leaves (shows what moves first)"), permissions=["change"])
    def leave(self, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse | None:
        """One at a time, on the page where the successor is chosen."""
        chosen = list(rows[:2])
        if len(chosen) != 1:
            self.message_user(request, "Choose one agent: each has successors of his own.", messages.WARNING)
            return None
        return HttpResponseRedirect(f"/o/{actor_of(request).organization.slug}/agents/{chosen[0].pk}/leaving/")


@admin.register(ProjectAssignment, site=site)
class ProjectAssignmentAdmin(ServiceAdmin):
    read_capability = Capability.CRM_READ
    write_capability = Capability.ASSIGNMENTS_WRITE
    row_argument = "assignment"
    add_service = services.assign_agent
    change_service = services.update_assignment
    autocomplete_fields = ["agent", "project", "property"]
    fields = ["agent", "project", "property", "due_on", "notes"]
    list_display = ["agent", "project", "property", "status", "due_on", "successor"]
    list_filter = ["status", "due_on", ("project", AutocompleteSelectFilter), ("agent", AutocompleteSelectFilter)]
    list_select_related = ["agent", "project", "property", "successor"]
    search_fields = ["agent__name", "project__name"]
    actions = ["complete"]
    export_columns = [
        "agent.name", "project.name", ("Unit", "property.label"), "status", ("Due", "due_on"),
        ("Successor", "successor.name"), "notes",
    ]  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Another agent carries on by a transfer, which moves deals and owners too."""
        return [] if obj is None else ["agent", "project", "property"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What has ended stays as it ended."""
        ended = obj is not None and obj.status != AssignmentStatus.ACTIVE
        return not ended and super().has_change_permission(request, obj)

    @admin.action(description=_("Complete"))
    def complete(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        for assignment in rows:
            call_service(self, request, services.complete_assignment, assignment=assignment)
