"""How the lists of the ledger are narrowed."""

from __future__ import annotations

from django_filters import rest_framework as filters

from ledger.models import Account, Entry, Transfer


class AccountFilter(filters.FilterSet):
    class Meta:
        model = Account
        fields = ["code", "kind", "currency", "owner"]


class TransferFilter(filters.FilterSet):
    effective_on = filters.DateFromToRangeFilter()

    class Meta:
        model = Transfer
        fields = ["reference", "currency", "effective_on", "reverses"]


class EntryFilter(filters.FilterSet):
    effective_on = filters.DateFromToRangeFilter()

    class Meta:
        model = Entry
        fields = ["account", "transfer", "effective_on"]
