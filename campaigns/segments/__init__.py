"""Segments: conditions over people, their units, their consent and what earlier campaigns came to.

A definition is a group: `{"match": "all" | "any", "not": true, "rows": [...]}`, of which the rows are conditions
`{"field": "unit.status", "is": "in", "value": ["available"]}` or, at the top, groups again. What units are asked in one
group is asked of one and the same unit: an owner of a sold villa and a free flat does not own a free villa.
"""

from campaigns.segments.checking import checked_definition
from campaigns.segments.compiling import contacts_of, matching, units_meant
from campaigns.segments.fields import FIELDS, OPERATORS, Field, Kind
from campaigns.segments.wording import ids_named, sentence

__all__ = [
    "FIELDS",
    "OPERATORS",
    "Field",
    "Kind",
    "checked_definition",
    "contacts_of",
    "ids_named",
    "matching",
    "sentence",
    "units_meant",
]
