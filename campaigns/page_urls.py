"""Addresses of campaigns, under /o/<organisation>/."""

from django.urls import path

from campaigns import streams
from campaigns.pages import campaign, deciding, listing, recipients, sequence_writing, sequences, writing

urlpatterns = [
    path("campaigns/", listing.campaigns, name="campaigns"),
    path("campaigns/templates/", writing.choose, name="campaign-templates"),
    path("campaigns/templates/<int:template_id>/", writing.new, name="campaign-new"),
    path("campaigns/templates/<int:template_id>/preview/", writing.preview, name="campaign-preview"),
    path("campaigns/<int:campaign_id>/", campaign.campaign, name="campaign"),
    path("campaigns/<int:campaign_id>/change/", writing.change, name="campaign-change"),
    path("campaigns/<int:campaign_id>/second/<int:template_id>/", writing.second, name="campaign-second"),
    path("campaigns/<int:campaign_id>/now/", campaign.now, name="campaign-now"),
    path("campaigns/<int:campaign_id>/stream/", streams.stream, name="campaign-stream"),
    path("campaigns/<int:campaign_id>/preflight/", campaign.preflight, name="campaign-preflight"),
    path("campaigns/<int:campaign_id>/preflight/people/", campaign.would_be, name="campaign-would-be"),
    path("campaigns/<int:campaign_id>/recipients/", recipients.recipients, name="campaign-recipients"),
    path("campaigns/<int:campaign_id>/decisions/<slug:decision>/", deciding.decide, name="campaign-decision"),
    path("sequences/", sequences.sequence_list, name="sequences"),
    path("sequences/new/", sequence_writing.new, name="sequence-new"),
    path("sequences/<int:sequence_id>/", sequences.sequence_page, name="sequence"),
    path("sequences/<int:sequence_id>/change/", sequence_writing.change, name="sequence-change"),
    path("sequences/<int:sequence_id>/people/", sequences.people, name="sequence-people"),
    path("sequences/<int:sequence_id>/enrolling/", sequences.enrolling, name="sequence-enrolling"),
    path("sequences/<int:sequence_id>/decisions/<slug:decision>/", sequences.decide, name="sequence-decision"),
    path("sequences/people/<int:enrollment_id>/", sequences.person, name="sequence-person"),
    path(
        "sequences/people/<int:enrollment_id>/<slug:decision>/",
        sequences.person_decision,
        name="sequence-person-decision",
    ),
]
