"""Addresses of accounts: those before one is in (sign-in, password), and one's own (me). The names are allauth's."""

from allauth.account import views as account
from django.urls import path, re_path
from django.views.decorators.cache import never_cache

urlpatterns = [
    path("sign-in/", account.login, name="account_login"),
    path("sign-in/closed/", account.account_inactive, name="account_inactive"),
    path("sign-out/", account.logout, name="account_logout"),
    path("password/reset/", account.password_reset, name="account_reset_password"),
    path("password/reset/sent/", account.password_reset_done, name="account_reset_password_done"),
    path("password/reset/done/", account.password_reset_from_key_done, name="account_reset_password_from_key_done"),
    re_path(
        r"^password/reset/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>[\w-]+)/$",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path("me/password/", account.password_change, name="account_change_password"),
    path("me/confirm/", account.reauthenticate, name="account_reauthenticate"),
]

for each in urlpatterns:  # what they show opens accounts: no browser and nobody between keeps it
    each.callback = never_cache(each.callback)
