"""Every upward flow of Majlis, in one list: this event wakes that handler."""

from __future__ import annotations

from config import announcing
from core import events


def wire() -> None:
    """Subscribe every handler. Called once, when all apps are loaded."""
    from campaigns import subscribers as campaigns
    from campaigns.sequences import subscribers as sequences
    from commissions import subscribers as commissions
    from core.events import MemberSuspended, SessionsEnded
    from crm.events import (
        AgentArchived,
        AssignmentTransferred,
        ContactsMerged,
        ContactsUnmerged,
        DealClosed,
        DealReopened,
        LeavingAsked,
        OwnershipChanged,
        PropertiesMerged,
    )
    from messaging import subscribers as messaging
    from messaging.events import (
        CampaignsAsked,
        CampaignStartAsked,
        ChannelChanged,
        InboundReceived,
        MessagesProgressed,
        OptedOut,
        TemplateChanged,
    )

    events.subscribe(MemberSuspended, messaging.end_lines)
    events.subscribe(MemberSuspended, campaigns.end_lines)
    events.subscribe(SessionsEnded, messaging.end_lines)
    events.subscribe(SessionsEnded, campaigns.end_lines)
    events.subscribe(LeavingAsked, messaging.count_talk)
    events.subscribe(LeavingAsked, campaigns.count_campaigns)
    events.subscribe(AssignmentTransferred, messaging.follow_assignment)
    events.subscribe(AgentArchived, messaging.follow_agent)
    events.subscribe(AgentArchived, campaigns.follow_agent)
    events.subscribe(DealClosed, commissions.earn)
    events.subscribe(DealReopened, commissions.withdraw)
    events.subscribe(MessagesProgressed, campaigns.follow_messages)
    events.subscribe(InboundReceived, messaging.answer_when_away)
    events.subscribe(InboundReceived, campaigns.attribute_reply)
    events.subscribe(TemplateChanged, campaigns.heed_template)
    events.subscribe(ChannelChanged, campaigns.heed_quality)
    events.subscribe(CampaignsAsked, campaigns.offer_campaigns)
    events.subscribe(CampaignStartAsked, campaigns.start_for_assistant)
    events.subscribe(ContactsMerged, messaging.follow_contacts)
    events.subscribe(ContactsMerged, campaigns.follow_contacts)
    events.subscribe(ContactsUnmerged, messaging.part_contacts)
    events.subscribe(ContactsUnmerged, campaigns.part_contacts)
    events.subscribe(PropertiesMerged, campaigns.follow_properties)
    events.subscribe(InboundReceived, sequences.stop_on_reply)
    events.subscribe(OptedOut, sequences.stop_on_opt_out)
    events.subscribe(DealClosed, sequences.stop_on_sale)
    events.subscribe(OwnershipChanged, sequences.heed_ownership)
    events.subscribe(LeavingAsked, sequences.count_sequences)
    events.subscribe(AgentArchived, sequences.follow_agent)
    events.subscribe(ContactsMerged, sequences.follow_contacts)
    events.subscribe(PropertiesMerged, sequences.follow_properties)
    announcing.wire()
    _hear_of_accounts()


def _hear_of_accounts() -> None:
    """allauth announces by signals, which are not ours to choose: what they say goes into the audit trail."""
    from allauth.account import signals as account
    from allauth.mfa import signals as mfa
    from django.contrib.auth.signals import user_logged_in, user_logged_out

    from core.accounts import rules, sessions, trail

    user_logged_in.connect(rules.begin)
    account.user_logged_in.connect(trail.signed_in)
    user_logged_out.connect(trail.signed_out)
    account.password_changed.connect(trail.password_changed)
    account.password_changed.connect(sessions.password_changed)
    account.password_reset.connect(sessions.password_changed)
    account.password_reset.connect(trail.password_reset)
    mfa.authenticator_added.connect(trail.factor_added)
    mfa.authenticator_removed.connect(trail.factor_removed)
    mfa.authenticator_reset.connect(trail.factor_replaced)
    mfa.authentication_failed.connect(trail.factor_refused)
