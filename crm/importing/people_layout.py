"""The columns that sheets of contacts, prospects and assignments may have."""

from __future__ import annotations

from sheets.tables import Field

CONTACTS = (
    Field("name", "Name", ("full name", "contact name", "client name", "client", "owner name", "customer")),
    Field("kind", "Person or company", ("type", "contact type")),
    Field("mobile", "Mobile", ("mobile number", "mobile 1", "whatsapp", "number", "contact number", "cell")),
    Field("phone", "Phone", ("phone number", "telephone", "tel", "landline")),
    Field("secondary_mobile", "Second mobile", ("mobile 2", "second mobile", "other mobile")),
    Field("email", "E-mail", ("e mail", "email address", "mail")),
    Field("language", "Language", ("preferred language",)),
    Field("nationality", "Nationality", ("country of origin",)),
    Field("national_id", "National id", ("emirates id", "eid", "id number", "passport")),
    Field("address", "Address", ("mailing address",)),
    Field("tags", "Tags", ("tag", "label", "labels", "group", "segment"), "a list in one cell", many=True),
    Field(
        "assigned_to", "Assigned to", ("agent", "agent email", "assigned agent"), "e-mail address or WhatsApp number"
    ),
)
PROSPECTS = (
    *CONTACTS,
    Field("source", "Source", ("lead source", "origin", "campaign"), "where the prospect came from"),
    Field("interest", "Interest", ("interested in", "looking for", "requirement"), "kept as tags", many=True),
)
ASSIGNMENTS = (
    Field("agent", "Agent", ("agent name", "agent email", "agent number", "name"), "name, e-mail address or number"),
    Field("project", "Project", ("project name", "project number", "project id", "community"), "number or name"),
    Field("p_number", "P-number", ("p no", "property number", "property id")),
    Field("registration", "Registration", ("registration number", "title deed")),
    Field("building", "Building", ("tower", "building name")),
    Field("cluster", "Cluster"),
    Field("unit_number", "Unit number", ("unit", "unit no", "villa no", "apartment")),
    Field("due_on", "Due", ("due date", "until", "deadline")),
    Field("notes", "Notes", ("remarks", "comments", "instructions")),
)
REACHED = frozenset({"mobile", "phone", "secondary_mobile", "email"})


def contacts_lack(fields: frozenset[str]) -> str:
    if fields & REACHED or fields & {"name", "national_id"}:
        return ""
    return "Say which column has the name, a number or an e-mail address: nothing else says who it is."


def prospects_lack(fields: frozenset[str]) -> str:
    """A prospect is there to be written to."""
    if fields & REACHED:
        return ""
    return "Say which column has the number or the e-mail address: prospects are there to be written to."


def assignments_lack(fields: frozenset[str]) -> str:
    if "agent" not in fields:
        return "Say which column names the agent."
    if not fields & {"project", "p_number"}:
        return "Say which column names the project, or the P-number of the unit."
    return ""
