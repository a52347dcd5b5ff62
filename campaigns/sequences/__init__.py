"""Sequences: several messages, one after the other, until somebody answers. Every change, and what the clock does."""

from campaigns.sequences.enrolling import Enrolled, enrol, pause_enrollment, resume_enrollment, stop_enrollment
from campaigns.sequences.locking import steps_of
from campaigns.sequences.review import (
    approve_sequence,
    archive_sequence,
    is_as_approved,
    pause_sequence,
    resume_sequence,
    return_sequence,
    standing_approval,
    submit_sequence,
)
from campaigns.sequences.running import run_due
from campaigns.sequences.writing import SequenceChanges, StepChanges, create_sequence, update_sequence

__all__ = [
    "Enrolled",
    "SequenceChanges",
    "StepChanges",
    "approve_sequence",
    "archive_sequence",
    "create_sequence",
    "enrol",
    "is_as_approved",
    "pause_enrollment",
    "pause_sequence",
    "resume_enrollment",
    "resume_sequence",
    "return_sequence",
    "run_due",
    "standing_approval",
    "steps_of",
    "stop_enrollment",
    "submit_sequence",
    "update_sequence",
]
