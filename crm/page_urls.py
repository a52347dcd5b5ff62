"""Addresses of stock and people, under /o/<organisation>/."""

from django.urls import path

from crm.pages import agents, disclosures, exports, leaving, owners, projects, search, unit, units

urlpatterns = [
    path("search/", search.search, name="search"),
    path("units/", units.units, name="units"),
    path("units/<int:unit_id>/", unit.unit, name="unit"),
    path("units/<int:unit_id>/change/", unit.change, name="unit-change"),
    path("units/<int:unit_id>/owners/<int:contact_id>/disclosure/", unit.disclosure, name="disclosure"),
    path("projects/", projects.projects, name="projects"),
    path("projects/<int:number>/", projects.project, name="project"),
    path("projects/<int:number>/status/", projects.status, name="project-status"),
    path("projects/<int:number>/assignments/", projects.assignments, name="project-assignments"),
    path("assignments/<int:assignment_id>/completion/", projects.completion, name="assignment-completion"),
    path("assignments/<int:assignment_id>/transfer/", projects.transfer, name="assignment-transfer"),
    path("owners/<int:contact_id>/", owners.owner, name="owner"),
    path("owners/<int:contact_id>/change/", owners.change, name="owner-change"),
    path("owners/<int:contact_id>/disclosure/", owners.disclosure, name="owner-disclosure"),
    path("owners/<int:contact_id>/bad-contact/", owners.bad_contact, name="bad-contact"),
    path("points/<int:point_id>/do-not-contact/", owners.do_not_contact, name="do-not-contact"),
    path("agents/", agents.agents, name="agents"),
    path("agents/<int:agent_id>/", agents.agent, name="agent"),
    path("agents/<int:agent_id>/leaving/", leaving.leaving, name="leaving"),
    path("agents/<int:agent_id>/return/", leaving.returning, name="returning"),
    path("departures/<int:departure_id>/exports/", leaving.departure_exports, name="departure-exports"),
    path(
        "departures/exports/<int:export_id>/decision/",
        leaving.departure_export_decision,
        name="departure-export-decision",
    ),
    path("departures/exports/<int:export_id>/<slug:what>.csv", leaving.departure_export, name="departure-export"),
    path("lists/<slug:name>/export/", exports.export, name="list-export"),
    path("disclosures/", disclosures.disclosures, name="disclosures"),
    path("disclosures/export/", disclosures.disclosures_file, name="disclosures-file"),
    path("disclosures/alerts/<int:alert_id>/", disclosures.disclosure_alert, name="disclosure-alert"),
]
