"""Campaigns, who decided what about them, and one row per person they are meant for."""

from campaigns.models.campaigns import (
    Approval,
    Campaign,
    CampaignChannel,
    CampaignPause,
    CampaignStatus,
    PauseCause,
    Target,
)
from campaigns.models.recipients import CampaignEngine, CampaignMessage, ReplyBy, SkipReason, Status
from campaigns.models.rules import CampaignRules, MessagePrice
from campaigns.models.segments import Segment
from campaigns.models.sequences import (
    Act,
    Enrollment,
    EnrollmentState,
    EnrollmentStep,
    Sequence,
    SequenceApproval,
    SequenceStatus,
    SequenceStep,
    StepOutcome,
    StopReason,
)

__all__ = [
    "Act",
    "Approval",
    "Campaign",
    "CampaignChannel",
    "CampaignEngine",
    "CampaignMessage",
    "CampaignPause",
    "CampaignRules",
    "CampaignStatus",
    "Enrollment",
    "EnrollmentState",
    "EnrollmentStep",
    "MessagePrice",
    "PauseCause",
    "ReplyBy",
    "Segment",
    "Sequence",
    "SequenceApproval",
    "SequenceStatus",
    "SequenceStep",
    "SkipReason",
    "Status",
    "StepOutcome",
    "StopReason",
    "Target",
]
