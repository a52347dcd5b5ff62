"""Addresses of the units, under /o/<organisation>/."""

from django.urls import path

from crm.pages import unit, units

urlpatterns = [
    path("units/", units.units, name="units"),
    path("units/<int:unit_id>/", unit.unit, name="unit"),
    path("units/<int:unit_id>/owners/<int:contact_id>/disclosure/", unit.disclosure, name="disclosure"),
]
