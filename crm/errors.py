"""Every refusal of crm."""

from __future__ import annotations

from core.errors import Conflict, Invalid, NotAllowed


class PropertyHasNoKey(Invalid):
    code = "property_has_no_key"


class AlreadyThere(Conflict):
    """Another live row has the same number, name or identifier."""

    code = "already_there"


class NumberIsShared(Conflict):
    code = "number_is_shared"


class NumberShared(Invalid):
    """What others will read holds somebody's number or address."""

    code = "number_shared"


class EmailInvalid(Invalid):
    code = "email_invalid"


class IbanInvalid(Invalid):
    code = "iban_invalid"


class BankDetailsMissing(Conflict):
    code = "bank_details_missing"


class VerifiedByAnother(NotAllowed):
    """Four eyes: whoever wrote bank details down may not be the one who verifies them."""

    code = "bank_details_need_another_person"


class AgentNotActive(Conflict):
    code = "agent_not_active"


class AlreadyAssigned(Conflict):
    code = "already_assigned"


class ProjectArchived(Conflict):
    """Nobody works on it any more: it gets no new unit and no new assignment by hand."""

    code = "project_archived"


class NotOfThisProject(Invalid):
    code = "property_not_of_project"


class AssignmentEnded(Conflict):
    code = "assignment_ended"


class SharesExceedWhole(Conflict):
    code = "shares_exceed_whole"


class PriceInvalid(Invalid):
    code = "price_invalid"


class StageMoveRefused(Conflict):
    code = "deal_stage_move_refused"


class ClosedInFuture(Invalid):
    code = "deal_closed_in_future"


class UnitAlreadyInDeal(Conflict):
    code = "unit_already_in_deal"


class SenderUnknown(Invalid):
    """A sender with neither a number nor a WhatsApp user id."""

    code = "sender_without_identity"


class ValueInvalid(Invalid):
    """A field's value cannot be used; `details` names the field."""

    code = "value_invalid"


class StatusMoveRefused(Conflict):
    """A project, a unit or an agent does not go from here to there; `details` names both."""

    code = "status_move_refused"


class FieldNotYours(NotAllowed):
    """Agents keep prices, states and descriptions of their units up to date; who and what a unit is, the office does."""

    code = "field_not_yours"


class AssigneeNotAllowed(NotAllowed):
    """Own-only members give contacts to themselves and to their team, not to others."""

    code = "assignee_not_allowed"


class DoNotContact(Conflict):
    """The person asked not to be contacted there: only lifting that, with a reason, changes it."""

    code = "do_not_contact"


class PersonNeeded(NotAllowed):
    """What only a person may do: it is kept under a name."""

    code = "person_needed"


class AgentHasWork(Conflict):
    """An agent who leaves hands his open work to a successor."""

    code = "agent_has_open_work"


class AgentHasReports(Conflict):
    """Somebody else must be named to whom the team of a supervisor who leaves reports."""

    code = "agent_has_reports"


class NotLeft(Conflict):
    """Only an agent who left comes back."""

    code = "agent_has_not_left"


class DecidedAlready(Conflict):
    code = "decided_already"


class DecidedByAnother(NotAllowed):
    """Four eyes: whoever asked for the data of a former agent does not give it to himself."""

    code = "needs_another_person"


class DisclosureLimit(NotAllowed):
    """So many owners' numbers an hour, and no more."""

    code = "disclosure_limit"


class ContactHasNoNumber(Conflict):
    code = "contact_has_no_number"


class AlreadyMerged(Conflict):
    """One of the two was merged or deleted meanwhile; `details` names the survivor where there is one."""

    code = "already_merged"


class MergeRefused(Conflict):
    """Something says that the two cannot be one; `details` names it."""

    code = "merge_refused"


class MergeReversed(Conflict):
    code = "merge_already_reversed"


class UndoLaterFirst(Conflict):
    """Merges into one row are undone in the order of a stack; `details` names the one to undo first."""

    code = "merge_undo_later_first"


class CandidateClosed(Conflict):
    """A pair that was merged is no longer to be dismissed."""

    code = "duplicate_closed"


class TooManyAtOnce(Invalid):
    code = "too_many_at_once"


class ValidationRunning(Conflict):
    code = "validation_running"


class BulkChangeMoved(Conflict):
    """Confirmed or undone already, perhaps in another tab: nothing is done twice."""

    code = "bulk_change_moved"


class BulkTooLarge(Invalid):
    code = "bulk_too_large"
