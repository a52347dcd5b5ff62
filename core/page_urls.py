from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path

from core import export_pages, pages, token_pages
from core.accounts import invitation_pages
from core.accounts import pages as account_pages
from core.doors import page
from core.roles import Capability


@page(None)
def door(request: HttpRequest) -> HttpResponse:
    """Where a member's day begins: staff in the back office, everyone else in the inbox."""
    actor = request.actor  # type: ignore[attr-defined]
    staff = actor.can(Capability.BACK_OFFICE)
    return redirect(f"/o/{actor.organization.slug}/{'admin' if staff else 'inbox'}/")


urlpatterns = [
    path("tokens/", token_pages.token_list, name="tokens"),
    path("tokens/<int:token_id>/end/", token_pages.token_ended, name="token-ended"),
    path("security/", account_pages.sign_in_rules, name="sign-in-rules"),
    path("members/<int:membership_id>/account/", account_pages.member_account, name="member-account"),
    path("members/<int:membership_id>/look/", account_pages.look_as, name="look-as"),
    path("invitations/", invitation_pages.invitation_list, name="invitations"),
    path("invitations/<int:invitation_id>/end/", invitation_pages.invitation_revoked, name="invitation-revoked"),
    path("invitation/<str:token>/", invitation_pages.invitation, name="invitation"),
    path("", door, name="door"),
    path("profile/", pages.profile, name="profile"),
    path("exports/", export_pages.exports_page, name="exports"),
    path("exports/<int:export_id>/file/", export_pages.export_file, name="export-file"),
]
