"""Addresses of the units, under /o/<organisation>/."""

from django.urls import path

from crm import pages

urlpatterns = [
    path("units/", pages.units, name="units"),
    path("units/<int:unit_id>/", pages.unit, name="unit"),
    path("units/<int:unit_id>/owners/<int:contact_id>/disclosure/", pages.disclosure, name="disclosure"),
]
