"""The table of units, as sheets can be imported into it."""

from crm.importing.layout import FIELDS, OPTIONS, guess_options, lacks
from crm.importing.linked import LinkedUnitImporter
from crm.importing.looks import LOOKS
from crm.importing.places import project_names, project_of_number
from crm.importing.units import UnitImporter
from sheets.tables import Constant, Table

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
    # A unit that is used since keeps its owners, a contact his numbers.
    parts=(("crm.ownership", "property"), ("crm.contactpoint", "contact")),
)

__all__ = ["UNITS"]
