"""Which steps may go out now: of active sequences, as somebody else approved them, with a template that still is.

Asked once a batch, for the whole house: a step that waits for approval costs nothing, however many people wait for it.
"""

from __future__ import annotations

from campaigns.models import SequenceApproval, SequenceStatus, SequenceStep
from campaigns.sequences import fingerprints
from core.models import Organization
from messaging.models.channels import TemplateStatus
from messaging.refusals import is_able


def ready_steps(organization: Organization) -> dict[int, SequenceStep]:
    """By id, each with its sequence, channel and template. Two queries."""
    approvals = {
        approval.sequence_id: approval
        for approval in SequenceApproval.objects.for_organization(organization).filter(
            voided_at__isnull=True, sequence__status=SequenceStatus.ACTIVE, sequence__deleted_at__isnull=True
        )
    }
    steps = SequenceStep.objects.for_organization(organization).filter(
        sequence__in=list(approvals), removed_at__isnull=True, template__status=TemplateStatus.APPROVED
    )
    return {
        step.pk: step
        for step in steps.select_related("sequence__channel", "template")
        if is_able(step.sequence.channel)
        and approvals[step.sequence_id].rules == fingerprints.rules_of(step.sequence)
        and fingerprints.is_approved(step, approvals[step.sequence_id])
    }
