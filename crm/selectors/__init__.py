"""What pages show of stock and people. Frozen answers with a promised number of queries.

A supervisor's answers take one query more: who reports to him.
"""

from crm.selectors.agents import OPEN_STAGES, AgentLoad, AgentPage, agent_loads, agent_page
from crm.selectors.bulk import BulkPage, bulk_changes, bulk_page
from crm.selectors.contacts import ContactList, ContactPage, ContactRow, contact_list, contact_page
from crm.selectors.duplicates import (
    MERGED,
    PAIR,
    candidate_list,
    candidates_in,
    duplicates_of,
    is_searching,
    latest_search,
    may_merge,
    merge_list,
    others_like,
    reasons_of,
    side_of,
    sides_of,
)
from crm.selectors.history import Happening, History, contact_history, unit_history
from crm.selectors.leaving import Leaving, leaving
from crm.selectors.numbers import (
    DISCLOSED_FOR,
    MASK,
    Point,
    masked,
    points_of,
    reads_lists_whole,
    reads_numbers,
    told_points,
)
from crm.selectors.owners import OwnerList, OwnerRow, narrowed_owners, owner_list
from crm.selectors.projects import Part, ProjectPage, ProjectRow, project_list, project_page
from crm.selectors.search import Findings, Group, OwnerHit, search
from crm.selectors.sources import Source, imports_of, sources_of_project, sources_of_unit
from crm.selectors.timeline import Step, Value, steps, timeline
from crm.selectors.unit import Neighbours, UnitOwner, UnitPage, neighbours, unit_page
from crm.selectors.units import COUNTED_TO, UnitList, UnitRow, narrowed_units, place_names, unit_list

__all__ = [
    "COUNTED_TO",
    "DISCLOSED_FOR",
    "MASK",
    "MERGED",
    "OPEN_STAGES",
    "PAIR",
    "AgentLoad",
    "AgentPage",
    "BulkPage",
    "ContactList",
    "ContactPage",
    "ContactRow",
    "Findings",
    "Group",
    "Happening",
    "History",
    "Leaving",
    "Neighbours",
    "OwnerHit",
    "OwnerList",
    "OwnerRow",
    "Part",
    "Point",
    "ProjectPage",
    "ProjectRow",
    "Source",
    "Step",
    "UnitList",
    "UnitOwner",
    "UnitPage",
    "UnitRow",
    "Value",
    "agent_loads",
    "agent_page",
    "bulk_changes",
    "bulk_page",
    "candidate_list",
    "candidates_in",
    "contact_history",
    "contact_list",
    "contact_page",
    "duplicates_of",
    "imports_of",
    "is_searching",
    "latest_search",
    "leaving",
    "masked",
    "may_merge",
    "merge_list",
    "narrowed_owners",
    "narrowed_units",
    "neighbours",
    "others_like",
    "owner_list",
    "place_names",
    "points_of",
    "project_list",
    "project_page",
    "reads_lists_whole",
    "reads_numbers",
    "reasons_of",
    "search",
    "side_of",
    "sides_of",
    "sources_of_project",
    "sources_of_unit",
    "steps",
    "timeline",
    "told_points",
    "unit_history",
    "unit_list",
    "unit_page",
]
