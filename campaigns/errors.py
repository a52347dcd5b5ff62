"""Every refusal of campaigns."""

from __future__ import annotations

from core.errors import Conflict, Invalid, NotAllowed


class AudienceInvalid(Invalid):
    """The filter names something that does not exist here, or that the target does not know."""

    code = "audience_invalid"


class SegmentInvalid(Invalid):
    """A condition of a segment that cannot be asked."""

    code = "segment_invalid"


class SegmentInUse(Conflict):
    """A campaign that has yet to start is for these people."""

    code = "segment_in_use"


class PricesInvalid(Invalid):
    """A line of a file of prices that cannot be kept."""

    code = "prices_invalid"


class AudienceEmpty(Conflict):
    """Nobody is left to write to."""

    code = "audience_empty"


class ChannelUnusable(Conflict):
    """No number, or one that cannot send, or whose account has not this template."""

    code = "channel_unusable"


class TemplateUnusable(Conflict):
    code = "template_unusable"


class VariablesInvalid(Invalid):
    """A slot of the template has no source, or a source does not exist."""

    code = "variables_invalid"


class ScheduleInvalid(Invalid):
    code = "schedule_invalid"


class NameTaken(Conflict):
    code = "campaign_name_taken"


class IllegalMove(Conflict):
    """The campaign's present status does not allow it."""

    code = "illegal_move"


class OwnCampaign(NotAllowed):
    """Who wrote or last edited a campaign may not approve it."""

    code = "own_campaign"


class ApprovalMissing(Conflict):
    """Nobody approved it as it is now."""

    code = "approval_missing"


class BusyNow(Conflict):
    """Two people change the same campaign at the same moment: one of them is asked to look again."""

    code = "campaign_busy"


class SequenceInvalid(Invalid):
    """A step or a rule of a sequence that cannot be as it is given; `field` and `step` say which."""

    code = "sequence_invalid"


class OwnSequence(NotAllowed):
    """Who wrote or last edited a sequence may not approve it."""

    code = "own_sequence"
