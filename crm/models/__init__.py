"""Stock and people."""

from crm.models.agents import Agent, BankDetails, ProjectAssignment
from crm.models.bulk import BulkChange, BulkItem
from crm.models.contacts import Contact, ContactPoint
from crm.models.deals import Deal
from crm.models.departures import Departure, DepartureExport
from crm.models.disclosures import DisclosureAlert, ListDisclosure, OwnerDisclosure
from crm.models.do_not_contact import DoNotContact
from crm.models.duplicates import DuplicateCandidate, DuplicateSearch
from crm.models.history import HistoryEntry
from crm.models.merges import Merge, MergeStep
from crm.models.search import SavedFilter, SearchWord
from crm.models.stock import Ownership, Project, Property, PropertyType
from crm.models.validation import ValidationFinding, ValidationRun

__all__ = [
    "Agent",
    "BankDetails",
    "BulkChange",
    "BulkItem",
    "Contact",
    "ContactPoint",
    "Deal",
    "Departure",
    "DepartureExport",
    "DisclosureAlert",
    "DoNotContact",
    "DuplicateCandidate",
    "DuplicateSearch",
    "HistoryEntry",
    "ListDisclosure",
    "Merge",
    "MergeStep",
    "OwnerDisclosure",
    "Ownership",
    "Project",
    "ProjectAssignment",
    "Property",
    "PropertyType",
    "SavedFilter",
    "SearchWord",
    "ValidationFinding",
    "ValidationRun",
]
