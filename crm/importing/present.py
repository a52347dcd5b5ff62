"""What Majlis has in the fields of a sheet of units, as a person would write it into a cell.

Two-way sync compares it with what it was when the row last agreed. So it has to be the same text for the same data,
always, and the readers in values.py have to read it back.
"""

# ruff: noqa: S608 - the names put into statements are our own

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.money import decimals
from core.phones import read_cell
from crm.importing import values
from crm.importing.owners import PHONE_FIELDS
from crm.models.stock import PropertyStatus

_TEXTS = (
    "p_number", "registration", "municipality_number", "plot_number", "unit_number", "building", "cluster",
    "dewa_number", "floor", "layout", "view", "rooms", "description",
)  # fmt: skip
_STATUS_WORDS = {status.value: status.label for status in PropertyStatus}
_OFFER_WORDS = {"rent": "Available for Rent", "sale": "Available for Sale", "both": "Available"}
_PURPOSE_WORDS = {"sale": "For sale", "rent": "For rent", "both": "Sale or rent"}


def _cases(column: str, words: Mapping[str, str]) -> str:
    return f"CASE {column} " + " ".join(f"WHEN '{value}' THEN '{word}'" for value, word in words.items()) + " END"


_OFFER = _cases("p.purpose", _OFFER_WORDS)
_UNIT = {name: f"p.{name}" for name in _TEXTS} | {
    "project": "pr.name",
    "property_type": "t.name",
    "bedrooms": "p.bedrooms::text",
    "bathrooms": "p.bathrooms::text",
    "area_size": "CASE WHEN %(area_unit)s = 'sqft' THEN trim_scale(round(p.area_sqm / 0.09290304, 2)) "
    "ELSE trim_scale(p.area_sqm) END::text",
    "asking_price": "concat_ws(' ', trim_scale(p.asking_price_minor::numeric / %(units_in_one)s)::text, "
    "NULLIF(p.price_note, ''))",
    "status": f"CASE WHEN p.status = 'available' THEN COALESCE({_OFFER}, 'Available') "
    f"ELSE {_cases('p.status', _STATUS_WORDS)} END",
    "purpose": _cases("p.purpose", _PURPOSE_WORDS),
    "latitude": "trim_scale(p.latitude)::text",
    "longitude": "trim_scale(p.longitude)::text",
}
_OWNER = {
    "owner_name": "c.display_name",
    "nationality": "c.nationality",
    "owner_address": "c.address",
    "mobile": "k.mobiles[1]",
    "secondary_mobile": "array_to_string(k.mobiles[2:], ' / ')",
    "phone": "array_to_string(k.fixed, ' / ')",
    "email": "array_to_string(k.emails, ', ')",
}
_POINTS = {"mobile", "secondary_mobile", "phone", "email"}
WRITABLE = frozenset({*_UNIT, *_OWNER})
NUMERIC = frozenset({"p_number", "bedrooms", "bathrooms", "area_size", "asking_price", "latitude", "longitude"})

_REACH = """
      LEFT JOIN LATERAL (
        SELECT array_agg(k.value ORDER BY k.is_primary DESC, k.id)
                   FILTER (WHERE k.kind IN ('phone', 'whatsapp') AND k.line_type <> 'fixed') AS mobiles,
               array_agg(k.value ORDER BY k.id) FILTER (WHERE k.kind = 'phone' AND k.line_type = 'fixed') AS fixed,
               array_agg(k.value ORDER BY k.is_primary DESC, k.id) FILTER (WHERE k.kind = 'email') AS emails
          FROM crm_contactpoint k
         WHERE k.organization_id = %(organization)s AND k.contact_id = l.related_id AND k.deleted_at IS NULL
           AND k.status IN ('valid', 'unverified', 'do_not_contact')
      ) k ON true
"""


def statement(pairs: str, fields: frozenset[str]) -> str:
    """A SELECT of (row_key, app jsonb) over a relation of (row_key, object_id, related_id).

    Parameters: organization, area_unit, units_in_one (100 for AED).
    """
    shown = {name: sql for name, sql in (_UNIT | _OWNER).items() if name in fields}
    parts = ", ".join(f"'{name}', NULLIF({sql}, '')" for name, sql in shown.items())
    return f"""
        SELECT l.row_key, jsonb_strip_nulls(jsonb_build_object({parts})) AS app
          FROM {pairs} l
          JOIN crm_property p ON p.organization_id = %(organization)s AND p.id = l.object_id
          LEFT JOIN crm_project pr ON pr.organization_id = %(organization)s AND pr.id = p.project_id
          LEFT JOIN crm_propertytype t ON t.organization_id = %(organization)s AND t.id = p.property_type_id
          LEFT JOIN crm_contact c ON c.organization_id = %(organization)s AND c.id = l.related_id
               AND c.deleted_at IS NULL
          {_REACH if fields & _POINTS else ""}
    """


def parameters(organization_id: int, options: Mapping[str, str], currency: str) -> dict[str, Any]:
    return {
        "organization": organization_id,
        "area_unit": options.get("area_unit", "sqm"),
        "units_in_one": 10 ** decimals(currency),
    }


def canonical(field: str, text: str, *, currency: str, region: str, area_unit: str) -> str:
    """A cell's text as `statement` would say it, so that two ways to write one thing are one thing."""
    text = text.strip()
    if not text:
        return ""
    if field in PHONE_FIELDS:
        return " / ".join(number.value for number in read_cell(text, region).numbers) or text
    if field == "status":
        status, purpose = values.status_of(text) or ("", "")
        return _OFFER_WORDS.get(purpose, "Available") if status == "available" else _STATUS_WORDS.get(status, text)
    if field == "purpose":
        return _PURPOSE_WORDS.get(values.purpose_of(text) or "", text)
    if field == "asking_price":
        minor, note = values.price_of(text, currency)
        if minor is None:
            return note
        return f"{_amount(minor, currency)} {note}".strip()
    if field == "area_size":
        size = values.square_metres(text, area_unit)
        shown = size if size is None or area_unit != "sqft" else round(size / values.SQUARE_FEET, 2)
        return text if shown is None else _plain(str(shown))
    if field in {"bedrooms", "bathrooms"}:
        count = values.count_of(text)
        return text if count is None else str(count)
    if field == "project":
        return values.project_of(text)[0]
    if field in {"latitude", "longitude"}:
        number = values.coordinate(text, 180)
        return text if number is None else _plain(str(number))
    return text.lower() if field == "email" else text


def _amount(minor: int, currency: str) -> str:
    places = decimals(currency)
    whole, rest = divmod(minor, 10**places)
    return _plain(f"{whole}.{rest:0{places}d}") if places else str(whole)


def _plain(number: str) -> str:
    return number.rstrip("0").rstrip(".") if "." in number else number
