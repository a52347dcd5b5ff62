"""Address of an agent's money, under /o/<organisation>/."""

from django.urls import path

from commissions import pages

urlpatterns = [path("commissions/", pages.my_commissions, name="my-commissions")]
