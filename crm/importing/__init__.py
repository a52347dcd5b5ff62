"""The tables of ours, as sheets can be imported into them."""

from functools import partial

from crm.importing.assignments import AssignmentImporter
from crm.importing.contacts import ContactImporter
from crm.importing.layout import FIELDS, OPTIONS, guess_options, lacks
from crm.importing.linked import LinkedUnitImporter
from crm.importing.looks import EMAIL, LOOKS, PHONES, is_name
from crm.importing.people_layout import (
    ASSIGNMENTS,
    CONTACTS,
    PROSPECTS,
    assignments_lack,
    contacts_lack,
    prospects_lack,
)
from crm.importing.places import project_names, project_of_number, projects_to_choose, units_of
from crm.importing.units import UnitImporter
from sheets.tables import Constant, Grouping, Look, Table

UNITS = Table(
    name="crm.units",
    label="Units and their owners",
    fields=FIELDS,
    options=OPTIONS,
    lacks=lacks,
    guess_options=guess_options,
    importer=UnitImporter,
    linked=LinkedUnitImporter,
    looks=LOOKS,
    constants=(
        Constant("project", known=project_names, of_number=project_of_number),
        Constant("master_project"),
        Constant("property_type"),
        Constant("status"),
    ),
    target="crm.property",
    grouping=Grouping("Project", known=projects_to_choose, objects=units_of),
    page="unit",
    # A unit that is used since keeps its owners, a contact his numbers.
    parts=(("crm.ownership", "property"), ("crm.contactpoint", "contact")),
)

_PEOPLE = (EMAIL, PHONES, Look(("name",), is_name, telling=False, varied=True))
_NUMBERS_STAY = (("crm.contactpoint", "contact"),)

CONTACT_TABLE = Table(
    name="crm.contacts",
    label="Contacts",
    fields=CONTACTS,
    options=(),
    lacks=contacts_lack,
    importer=ContactImporter,
    looks=_PEOPLE,
    constants=(Constant("language"), Constant("assigned_to")),
    has_titles=False,
    target="crm.contact",
    parts=_NUMBERS_STAY,
)
PROSPECT_TABLE = Table(
    name="crm.prospects",
    label="Prospects: contacts to be customers",
    fields=PROSPECTS,
    options=(),
    lacks=prospects_lack,
    importer=partial(ContactImporter, tags=("prospect",)),
    looks=_PEOPLE,
    constants=(Constant("source"), Constant("language"), Constant("assigned_to")),
    has_titles=False,
    target="crm.contact",
    parts=_NUMBERS_STAY,
)
ASSIGNMENT_TABLE = Table(
    name="crm.assignments",
    label="Assignments of agents",
    fields=ASSIGNMENTS,
    options=(),
    lacks=assignments_lack,
    importer=AssignmentImporter,
    constants=(
        Constant("project", known=project_names, of_number=project_of_number),
        Constant("agent"),
        Constant("due_on"),
    ),
    target="crm.projectassignment",
)
TABLES = (UNITS, CONTACT_TABLE, PROSPECT_TABLE, ASSIGNMENT_TABLE)

__all__ = ["TABLES", "UNITS"]
