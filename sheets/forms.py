"""What people fill in on the way of an import, in the back office and on the managers' pages alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sheets import files
from sheets.models import ImportRun
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


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the sheet, as somebody maps it."""

    header: str
    samples: list[str]
    field: forms.BoundField


class MappingForm(forms.Form):
    """One choice for every column of the sheet, what is the same for every row, and the options of the table."""

    def __init__(self, run: ImportRun, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.run, self.table = run, table_named(run.spreadsheet.table)
        targets = [("", _("not imported")), *((field.name, _(field.label)) for field in self.table.fields)]
        for index, header in enumerate(run.spreadsheet.header):
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
                initial=run.mapping["options"].get(option.name, option.default),
            )

    def columns(self) -> Iterator[Column]:
        samples = self.run.samples.get("columns", [])
        for index, header in enumerate(self.run.spreadsheet.header):
            yield Column(header, samples[index] if index < len(samples) else [], self[f"column-{index}"])

    def constants(self) -> Iterator[tuple[forms.BoundField, str, list[str]]]:
        """The field, the id of its list of known values, and those."""
        for constant in self.table.constants:
            known = constant.known(self.run.organization_id)
            yield self[f"constant-{constant.field}"], f"known-{constant.field}", known

    def options(self) -> list[forms.BoundField]:
        return [self[f"option-{option.name}"] for option in self.table.options]

    def document(self) -> dict[str, Any]:
        """The mapping that was chosen, for services.change_mapping."""
        chosen = self.cleaned_data

        def under(prefix: str) -> dict[str, str]:
            return {name.removeprefix(prefix): value for name, value in chosen.items() if name.startswith(prefix)}

        headers = self.run.spreadsheet.header
        return {
            "columns": {header: chosen[f"column-{index}"] for index, header in enumerate(headers)},
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
