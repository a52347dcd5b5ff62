"""Every change to stock, people and deals."""

from crm.services.agents import create_agent, set_bank_details, update_agent, verify_bank_details
from crm.services.assignments import assign_agent, complete_assignment, transfer_assignment, update_assignment
from crm.services.deals import close_deal, create_deal, lose_deal, move_deal, reopen_deal
from crm.services.departure_exports import (
    decide_departure_export,
    request_departure_export,
    take_departure_list,
)
from crm.services.disclosures import disclose_list, disclose_owner_number, numbers_taken, open_contact, see_alert
from crm.services.do_not_contact import Listing, list_do_not_contact, unlist_do_not_contact
from crm.services.filters import delete_filter, save_filter, update_filter
from crm.services.leaving import agent_leaves, agent_returns, archive_agent
from crm.services.owners import Share, set_owners
from crm.services.people import (
    add_contact_point,
    create_contact,
    lift_do_not_contact,
    mark_bad_contact,
    mark_do_not_contact,
    update_contact,
    update_contact_point,
    verify_contact_point,
)
from crm.services.senders import contact_for_sender, follow_sender
from crm.services.stock import (
    FROM_OWNERS,
    PROJECT_MOVES,
    PROPERTY_MOVES,
    archive_project,
    create_project,
    create_property,
    create_property_type,
    update_project,
    update_property,
    update_property_type,
)
from crm.services.validation import Chosen, points_to_validate, start_validation, stop_validation

__all__ = [
    "FROM_OWNERS",
    "PROJECT_MOVES",
    "PROPERTY_MOVES",
    "Chosen",
    "Listing",
    "Share",
    "add_contact_point",
    "agent_leaves",
    "agent_returns",
    "archive_agent",
    "archive_project",
    "assign_agent",
    "close_deal",
    "complete_assignment",
    "contact_for_sender",
    "create_agent",
    "create_contact",
    "create_deal",
    "create_project",
    "create_property",
    "create_property_type",
    "decide_departure_export",
    "delete_filter",
    "disclose_list",
    "disclose_owner_number",
    "follow_sender",
    "lift_do_not_contact",
    "list_do_not_contact",
    "lose_deal",
    "mark_bad_contact",
    "mark_do_not_contact",
    "move_deal",
    "numbers_taken",
    "open_contact",
    "points_to_validate",
    "reopen_deal",
    "request_departure_export",
    "save_filter",
    "see_alert",
    "set_bank_details",
    "set_owners",
    "start_validation",
    "stop_validation",
    "take_departure_list",
    "transfer_assignment",
    "unlist_do_not_contact",
    "update_agent",
    "update_assignment",
    "update_contact",
    "update_contact_point",
    "update_filter",
    "update_project",
    "update_property",
    "update_property_type",
    "verify_bank_details",
    "verify_contact_point",
]
