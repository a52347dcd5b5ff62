"""The columns that a sheet of units may have: the office's 26-column master layout, its variants, and strangers' words."""

from __future__ import annotations

from dataclasses import replace

from django.utils.translation import gettext_noop

from crm.importing.present import NUMERIC, WRITABLE
from sheets.tables import Field, Option

_OF_PROJECT = gettext_noop("Only from the sheet: it is said of the whole project, not of this row.")
_FIELDS = (
    Field(
        "p_number", "P-number", ("P-NUMBER", "P NO", "property number", "property id", "listing id", "id", "reference")
    ),
    Field(
        "project", "Project", ("PROJECT", "project name", "cluster name", "neighborhood", "neighbourhood", "community")
    ),
    Field(
        "master_project",
        "Master project",
        ("Mastre project ", "master development", "master community"),
        only_read=_OF_PROJECT,
    ),
    Field("area", "Area", ("AREA", "district", "location"), "the land department's area; kept with the unit"),
    Field("plot_number", "Plot number", ("PLOT NUMBER", "plot")),
    Field("registration", "Registration", ("registration number", "title deed", "property registration")),
    Field("municipality_number", "Municipality number", ("Municipality no ", "municipality", "mun no")),
    Field("building", "Building", ("tower", "building name", "building no")),
    Field("cluster", "Cluster"),
    Field("unit_number", "Unit number", ("Unit Number", "unit", "unit no", "villa no", "house number", "apartment")),
    Field("dewa_number", "DEWA premise number", ("DEWA Premise Number", "dewa", "premise number")),
    Field("property_type", "Property type", ("type", "unit type", "category")),
    Field("floor", "Floor", ("floors", "level")),
    Field("layout", "Layout", ("unit layout", "model")),
    Field("view", "View", ("view type",)),
    Field("rooms", "Rooms", ("room",)),
    Field("bedrooms", "Bedrooms", ("beds", "br", "no of bedrooms", "bedroom"), keeps_zero=True),
    Field("bathrooms", "Bathrooms", ("baths", "no of bathrooms", "bathroom")),
    Field(
        "area_size", "Size", ("Actual Area", "built up area", "bua", "size in sqft", "size sqft", "sqft", "size sqm")
    ),
    Field("asking_price", "Asking price", ("price", "selling price", "asking", "price aed")),
    Field("status", "Status", ("Available for ", "unit status", "availability")),
    Field("purpose", "Purpose", ("for", "offering")),
    Field("latitude", "Latitude", ("lat",)),
    Field("longitude", "Longitude", ("long", "lng", "lon")),
    Field("description", "Description", ("notes", "remarks", "comments")),
    Field(
        "amenities",
        "Amenities",
        ("features",),
        "a list, or a column of yes and no for each",
        many=True,
        keeps_zero=True,
    ),
    Field("owner_name", "Owner's name", ("NAME ", "NAME", "owner", "owner name", "landlord", "client name")),
    Field("mobile", "Mobile", ("MOBILE", "mobile number", "mobile 1", "owner mobile", "whatsapp")),
    Field("phone", "Phone", ("PHONE", "phone number", "telephone", "tel")),
    Field("secondary_mobile", "Second mobile", ("SECONDARY MOBILE", "mobile 2", "second mobile", "other mobile")),
    Field("email", "E-mail", ("EMAIL", "e mail", "email address", "mail")),
    Field("nationality", "Nationality", ("owner nationality", "country of origin")),
    Field("owner_address", "Owner's address", ("address", "mailing address")),
    Field("extra", "Keep as it is", ("SD", "Plot No"), "kept with the unit under the column's own name", many=True),
)
FIELDS = tuple(replace(field, writable=field.name in WRITABLE, numeric=field.name in NUMERIC) for field in _FIELDS)
OPTIONS = (
    Option("area_unit", "Sizes are in", {"sqm": "square metres", "sqft": "square feet"}, "sqm"),
)  # fmt: skip


def lacks(fields: frozenset[str]) -> str:
    """A unit needs a project, and one of the things it can be known by."""
    if "project" not in fields:
        return "Say which column names the project: every unit belongs to one."
    if not fields & {"p_number", "registration", "unit_number"}:
        return (
            "Say which column tells units apart: the P-number, the registration, or the unit number "
            "(with the building or cluster it is in)."
        )
    return ""


def guess_options(headers: dict[str, str]) -> dict[str, str]:
    """Square feet when the header of the sizes says so. `headers`: header -> field."""
    sizes = " ".join(header.casefold() for header, field in headers.items() if field == "area_size")
    feet = "sqft" in sizes.replace(" ", "").replace("_", "").replace(".", "") or "feet" in sizes
    return {"area_unit": "sqft" if feet else "sqm"}
