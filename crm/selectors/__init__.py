"""What pages show of stock and people. Frozen answers with a promised number of queries.

A supervisor's answers take one query more: who reports to him.
"""

from crm.selectors.agents import OPEN_STAGES, AgentLoad, agent_loads
from crm.selectors.contacts import ContactList, ContactPage, ContactRow, contact_list, contact_page
from crm.selectors.numbers import DISCLOSED_FOR, MASK, Point, masked, points_of, reads_numbers
from crm.selectors.projects import ProjectRow, project_list
from crm.selectors.unit import UnitOwner, UnitPage, unit_page
from crm.selectors.units import UnitList, UnitRow, unit_list

__all__ = [
    "DISCLOSED_FOR",
    "MASK",
    "OPEN_STAGES",
    "AgentLoad",
    "ContactList",
    "ContactPage",
    "ContactRow",
    "Point",
    "ProjectRow",
    "UnitList",
    "UnitOwner",
    "UnitPage",
    "UnitRow",
    "agent_loads",
    "contact_list",
    "contact_page",
    "masked",
    "points_of",
    "project_list",
    "reads_numbers",
    "unit_list",
    "unit_page",
]
