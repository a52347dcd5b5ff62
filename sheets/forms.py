"""What people fill in on the way of an import, in the back office and on the managers' pages alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sheets import files
from sheets.models import Direction, GoogleAccount, ImportRun, Spreadsheet
from sheets.tables import declared, table_named

DELIMITERS = [
    (",", gettext_lazy("comma")), (";", gettext_lazy("semicolon")), ("\t", gettext_lazy("tab stop")),
    ("|", gettext_lazy("bar")),
]  # fmt: skip


class UploadForm(forms.Form):
    """What to import, and into which table."""

    file = forms.FileField(
        label=gettext_lazy("Spreadsheet"),
        help_text=gettext_lazy(
            ".xlsx, .xls or .csv, up to 50 MB. Nothing is imported before you have seen what would happen."
        ),
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".xlsx,.xls,.xlsb,.ods,.csv,.tsv,.txt"}),
    )
    table = forms.ChoiceField(label=gettext_lazy("What is in it"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tables: Any = self.fields["table"]
        tables.choices = [(table.name, _(table.label)) for table in declared()]
        tables.initial = "crm.units"


LARGEST_KEY = 64 * 1024  # a key file is some 2.4 KB


class AccountForm(forms.Form):
    """The key file of a service account of Google."""

    key = forms.FileField(
        label=gettext_lazy("Key file (JSON)"),
        help_text=gettext_lazy(
            "In Google's console open the service account, then Keys, Add key, JSON. It is kept encrypted and never shown."
        ),
        widget=forms.FileInput(attrs={"accept": ".json,application/json"}),
    )
    name = forms.CharField(
        label=gettext_lazy("Name"), required=False, max_length=100, widget=forms.TextInput(attrs={"dir": "auto"})
    )

    def clean_key(self) -> str:
        """The file's text; whether it is a key is for linking.add_account to say."""
        file = self.cleaned_data["key"]
        if file.size > LARGEST_KEY:
            raise forms.ValidationError(_("This file is too large for a key."))
        return str(file.read().decode("utf-8", "replace"))


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the sheet, as somebody maps it."""

    header: str
    samples: list[str]
    field: forms.BoundField


class MappingForm(forms.Form):
    """One choice for every column of the sheet, what is the same for every row, and the options of the table."""

    def __init__(self, run: ImportRun | Spreadsheet, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sheet: Spreadsheet = run.spreadsheet if isinstance(run, ImportRun) else run
        self.organization_id, self.header, self.table = sheet.organization_id, sheet.header, table_named(sheet.table)
        self.samples: list[list[str]] = run.samples.get("columns", []) if isinstance(run, ImportRun) else []
        targets = [("", _("not imported")), *((field.name, _(field.label)) for field in self.table.fields)]
        for index, header in enumerate(self.header):
            self.fields[f"column-{index}"] = forms.ChoiceField(
                label=header, choices=targets, required=False, initial=run.mapping["columns"].get(header, "")
            )
        for constant in self.table.constants:
            field = self.table.field(constant.field)
            self.fields[f"constant-{constant.field}"] = forms.CharField(
                label=_(field.label) if field else constant.field,
                required=False,
                max_length=200,
                initial=run.mapping.get("constants", {}).get(constant.field, ""),
                widget=forms.TextInput(attrs={"list": f"known-{constant.field}", "dir": "auto", "autocomplete": "off"}),
            )
        for option in self.table.options:
            self.fields[f"option-{option.name}"] = forms.ChoiceField(
                label=_(option.label),
                choices=[(value, _(label)) for value, label in option.choices.items()],
                initial=run.mapping.get("options", {}).get(option.name, option.default),
            )

    def columns(self) -> Iterator[Column]:
        for index, header in enumerate(self.header):
            samples = self.samples[index] if index < len(self.samples) else []
            yield Column(header, samples, self[f"column-{index}"])

    def constants(self) -> Iterator[tuple[forms.BoundField, str, list[str]]]:
        """The field, the id of its list of known values, and those."""
        for constant in self.table.constants:
            known = constant.known(self.organization_id)
            yield self[f"constant-{constant.field}"], f"known-{constant.field}", known

    def options(self) -> list[forms.BoundField]:
        return [self[f"option-{option.name}"] for option in self.table.options]

    def document(self) -> dict[str, Any]:
        """The mapping that was chosen, for services.change_mapping."""
        chosen = self.cleaned_data

        def under(prefix: str) -> dict[str, str]:
            return {name.removeprefix(prefix): value for name, value in chosen.items() if name.startswith(prefix)}

        return {
            "columns": {header: chosen[f"column-{index}"] for index, header in enumerate(self.header)},
            "constants": under("constant-"),
            "options": under("option-"),
        }


class ReadingForm(forms.Form):
    """How the file is read: which tab, and for text, how its letters and cells are told apart."""

    header_row = forms.IntegerField(
        label=gettext_lazy("Header in row"),
        min_value=0,
        max_value=200,
        required=False,
        help_text=gettext_lazy("0 when the tab has no header; empty to look for it."),
    )

    def __init__(self, run: ImportRun, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.run = run
        self.fields["header_row"].initial = run.header_row
        if len(run.tabs) > 1:
            self.fields["tab"] = forms.ChoiceField(
                label=_("Tab"), choices=[(tab, tab) for tab in run.tabs], initial=run.tab
            )
        if run.kind == "csv":
            self.fields["encoding"] = forms.ChoiceField(
                label=_("Encoding"), choices=[(name, name) for name in files.ENCODINGS], initial=run.encoding
            )
            self.fields["delimiter"] = forms.ChoiceField(
                label=_("Cells are parted by"), choices=DELIMITERS, initial=run.delimiter
            )

    def reading(self) -> dict[str, Any]:
        """For services.change_reading. Another tab is looked through anew, when its header row is not said."""
        chosen = self.cleaned_data
        tab = chosen.get("tab", self.run.tab)
        row = chosen["header_row"]
        return {
            "tab": tab,
            "encoding": chosen.get("encoding", self.run.encoding),
            "delimiter": chosen.get("delimiter", self.run.delimiter),
            "header_row": None if tab != self.run.tab and row == self.run.header_row else row,
        }


DIRECTIONS = {
    Direction.BOTH: gettext_lazy("Both ways"),
    Direction.SHEET: gettext_lazy("Only from the sheet"),
    Direction.APP: gettext_lazy("Only from Majlis"),
}
INTERVALS = [
    (60, gettext_lazy("every minute")), (300, gettext_lazy("every 5 minutes")), (900, gettext_lazy("every 15 minutes")),
    (3600, gettext_lazy("every hour")), (21_600, gettext_lazy("every 6 hours")), (86_400, gettext_lazy("once a day")),
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class LinkedColumn(Column):
    """One column of a linked sheet: also, who may change its cells. `fixed`: why that cannot be chosen."""

    direction: forms.BoundField
    fixed: str = ""


class LinkedForm(MappingForm):
    """Everything that a person decides about a linked sheet."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    interval = forms.TypedChoiceField(label=gettext_lazy("Sync it"), coerce=int)
    account = forms.ModelChoiceField(label=gettext_lazy("Google account"), queryset=GoogleAccount.objects.none())
    appends = forms.TypedChoiceField(
        label=gettext_lazy("Units made in Majlis"),
        choices=[("", gettext_lazy("get no row in the sheet")), ("yes", gettext_lazy("get a row below the last one"))],
        coerce=bool,
        empty_value=None,
        required=False,
        help_text=gettext_lazy("Of the projects that the sheet lists, and made from now on."),
    )

    def __init__(self, sheet: Spreadsheet, *args: Any, samples: list[list[str]] | None = None, **kwargs: Any) -> None:
        super().__init__(sheet, *args, **kwargs)
        self.samples = samples or []
        accounts: Any = self.fields["account"]
        accounts.queryset = GoogleAccount.objects.filter(organization_id=sheet.organization_id).order_by("email")
        accounts.label_from_instance = lambda account: account.email
        accounts.empty_label = None
        intervals: Any = self.fields["interval"]
        known = dict(INTERVALS)
        odd = [] if sheet.interval in known else [(sheet.interval, _("every %(n)s seconds") % {"n": sheet.interval})]
        intervals.choices = [*odd, *INTERVALS]
        for name in ("name", "interval", "account"):
            self.fields[name].initial = getattr(sheet, name)
        self.fields["appends"].initial = "yes" if sheet.appends_since else ""
        for index, header in enumerate(sheet.header):
            self.fields[f"direction-{index}"] = forms.ChoiceField(
                label=_("Who may change it"),
                choices=list(DIRECTIONS.items()),
                initial=sheet.directions.get(header, Direction.BOTH),
                required=False,
            )

    def columns(self) -> Iterator[LinkedColumn]:
        for index, column in enumerate(super().columns()):
            fixed = _(self.table.fixed(column.field.value() or ""))
            yield LinkedColumn(column.header, column.samples, column.field, self[f"direction-{index}"], fixed)

    def change(self) -> dict[str, Any]:
        """For linking.change_linked_sheet."""
        chosen = self.cleaned_data
        return {
            "document": self.document(),
            "directions": {
                header: chosen[f"direction-{index}"] or Direction.BOTH for index, header in enumerate(self.header)
            },
            **{name: chosen[name] for name in ("name", "interval", "account")},
            "appends": bool(chosen["appends"]),
        }


class AddressForm(forms.Form):
    """Which document, and by which account."""

    account = forms.ModelChoiceField(
        label=gettext_lazy("Google account"), queryset=GoogleAccount.objects.none(), empty_label=None
    )
    address = forms.CharField(
        label=gettext_lazy("Address of the document"),
        max_length=500,
        help_text=gettext_lazy("Copy it from the browser while the sheet is open."),
        widget=forms.TextInput(attrs={"dir": "ltr", "autocomplete": "off", "inputmode": "url"}),
    )
    table = forms.ChoiceField(label=gettext_lazy("What is in it"))

    def __init__(self, organization_id: int, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        accounts: Any = self.fields["account"]
        accounts.queryset = GoogleAccount.objects.filter(organization_id=organization_id).order_by("email")
        accounts.label_from_instance = lambda account: account.email
        tables: Any = self.fields["table"]
        tables.choices = [(table.name, _(table.label)) for table in declared() if table.linked]
        tables.initial = tables.choices[0][0]
