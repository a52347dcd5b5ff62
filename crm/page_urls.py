"""Addresses of the units, under /o/<organisation>/."""

from django.urls import path

from crm import pages

urlpatterns = [
    path("units/", pages.units, name="units"),
    path("units/<int:property_id>/", pages.unit, name="unit"),
]
