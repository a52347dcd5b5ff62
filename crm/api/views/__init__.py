"""Stock, people and deals over the API."""

from crm.api.views.agents import AgentViewSet, ProjectAssignmentViewSet
from crm.api.views.bulk import BulkChangeViewSet, BulkItemViewSet
from crm.api.views.deals import DealViewSet
from crm.api.views.disclosures import DisclosureAlertViewSet, ListDisclosureViewSet, OwnerDisclosureViewSet
from crm.api.views.do_not_contact import DoNotContactViewSet
from crm.api.views.duplicates import (
    DuplicateSearchViewSet,
    DuplicateViewSet,
    MergeBatchViewSet,
    MergePreviewViewSet,
    MergeViewSet,
)
from crm.api.views.people import ContactPointViewSet, ContactViewSet
from crm.api.views.saved_filters import SavedFilterViewSet
from crm.api.views.search import SearchViewSet
from crm.api.views.stock import OwnershipViewSet, ProjectViewSet, PropertyTypeViewSet, PropertyViewSet
from crm.api.views.validation import ValidationFindingViewSet, ValidationRunViewSet

__all__ = [
    "AgentViewSet",
    "BulkChangeViewSet",
    "BulkItemViewSet",
    "ContactPointViewSet",
    "ContactViewSet",
    "DealViewSet",
    "DisclosureAlertViewSet",
    "DoNotContactViewSet",
    "DuplicateSearchViewSet",
    "DuplicateViewSet",
    "ListDisclosureViewSet",
    "MergeBatchViewSet",
    "MergePreviewViewSet",
    "MergeViewSet",
    "OwnerDisclosureViewSet",
    "OwnershipViewSet",
    "ProjectAssignmentViewSet",
    "ProjectViewSet",
    "PropertyTypeViewSet",
    "PropertyViewSet",
    "SavedFilterViewSet",
    "SearchViewSet",
    "ValidationFindingViewSet",
    "ValidationRunViewSet",
]
