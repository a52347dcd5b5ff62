"""The days that a report is asked for."""

from __future__ import annotations

from django import forms
from unfold.widgets import UnfoldAdminSingleDateWidget


class PeriodForm(forms.Form):
    """From a day to a day, both included; either may be left out."""

    since = forms.DateField(label="From", required=False, widget=UnfoldAdminSingleDateWidget)
    until = forms.DateField(label="Until", required=False, widget=UnfoldAdminSingleDateWidget)


class AsOfForm(forms.Form):
    """The end of a day; now when it is left out."""

    as_of = forms.DateField(label="At the end of", required=False, widget=UnfoldAdminSingleDateWidget)
