"""Stock and people in the back office. Forms and actions call services; the rest is to be read."""

from crm.admin import (
    agents,
    bank_details,
    bulk,
    deals,
    disclosures,
    do_not_contact,
    duplicates,
    history,
    people,
    stock,
    validation,
)

__all__ = [
    "agents",
    "bank_details",
    "bulk",
    "deals",
    "disclosures",
    "do_not_contact",
    "duplicates",
    "history",
    "people",
    "stock",
    "validation",
]
