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
