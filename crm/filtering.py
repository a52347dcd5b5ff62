"""The filters of the lists, each named once for pages, the API, exports and what members save."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import django_filters as filters
from django import forms
from django.core.validators import EMPTY_VALUES
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field

from core.actors import Actor
from core.money import decimals
from crm.importing.values import price_of
from crm.keyset import NEWEST, Order
from crm.models.search import MOST_FOUND
from crm.models.stock import PropertyStatus, Purpose

LARGEST_ID = 2**63 - 1
MOST_IDS = 50
YES_OR_NO = [("true", _("Yes")), ("false", _("No"))]
# A column that is sorted by has an index of (organization, column, id).
UNIT_ORDERS = {
    order.name: order
    for order in [
        NEWEST,
        Order("price", "asking_price_minor"),
        Order("-price", "asking_price_minor", is_descending=True),
        Order("size", "size_key"),
        Order("-size", "size_key", is_descending=True),
        Order("unit", "place_key", is_text=True),
    ]
}
OWNER_ORDERS = {order.name: order for order in [NEWEST, Order("name", "normalized_name", is_text=True)]}


class _SeveralInput(forms.TextInput):
    """`?project=1&project=2` and `?project=1,2` are the same."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> str:
        given = data.getlist(name) if hasattr(data, "getlist") else [data.get(name) or ""]
        return ",".join(str(each) for each in given if each)


class IdsField(forms.CharField):
    widget = _SeveralInput

    def clean(self, value: Any) -> list[int]:
        given = [part.strip() for part in str(super().clean(value)).split(",") if part.strip()]
        if len(given) > MOST_IDS or not all(map(_is_key, given)):
            raise forms.ValidationError(_("These are not keys of rows."), code="invalid")
        return list(dict.fromkeys(int(part) for part in given))


class PriceField(forms.CharField):
    """An amount as people type it: 1.2M, 950K, 1,250,000."""

    def clean(self, value: Any) -> Decimal | None:
        text = super().clean(value).strip()
        if not text:
            return None
        minor, note = (0, "") if text == "0" else price_of(text, "AED")
        if minor is None or note:
            raise forms.ValidationError(_("Write an amount such as 1.2M, 950K or 1,250,000."), code="invalid")
        return Decimal(minor).scaleb(-2)


@extend_schema_field(OpenApiTypes.STR)
class IdsFilter(filters.Filter):
    """Keys of other rows, parted by commas or given several times. Those that are not there find nothing."""

    field_class = IdsField


@extend_schema_field(OpenApiTypes.INT64)
class IdFilter(filters.Filter):
    """The id of another row. One that is not there, or not for this caller, finds nothing: the two are not told apart."""

    field_class = forms.IntegerField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"min_value": 1, "max_value": LARGEST_ID, **kwargs})


@extend_schema_field(OpenApiTypes.STR)
class PriceFilter(filters.Filter):
    field_class = PriceField


class YesNoFilter(filters.TypedChoiceFilter):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, choices=YES_OR_NO, coerce=lambda value: value == "true", **kwargs)


class _ActorsFilter(filters.FilterSet):
    """A list as one member sees it. The API hands in its request alone, pages and exports the actor."""

    def __init__(self, *args: Any, actor: Actor | None = None, most: int = MOST_FOUND, **kwargs: Any) -> None:
        """Of words alone the best `most` are found; other filters may leave few of them, and choose among MOST_FOUND."""
        super().__init__(*args, **kwargs)
        self.actor: Actor | None = actor or getattr(getattr(self.request, "_request", None), "actor", None)
        self.most = most

    def by_text(self, rows: QuerySet[Any], _name: str, text: str) -> QuerySet[Any]:
        given = [name for name, value in self.form.cleaned_data.items() if value not in EMPTY_VALUES]
        most = self.most if given == ["q"] else MOST_FOUND
        return rows.search(text, actor=self.actor, most=most)  # type: ignore[attr-defined]


class UnitFilter(_ActorsFilter):
    q = filters.CharFilter(method="by_text", label=_("Search"))
    project = IdsFilter(method="by_project", label=_("Project"))
    building = filters.CharFilter(label=_("Building"))
    cluster = filters.CharFilter(label=_("Cluster"))
    layout = filters.CharFilter(label=_("Layout"))
    bedrooms_min = filters.NumberFilter(method="by_range", label=_("Bedrooms from"), min_value=0, max_value=99)
    bedrooms_max = filters.NumberFilter(method="by_range", label=_("Bedrooms to"), min_value=0, max_value=99)
    price_min = PriceFilter(method="by_range", label=_("Price from"))
    price_max = PriceFilter(method="by_range", label=_("Price to"))
    sqft_min = filters.NumberFilter(method="by_range", label=_("Square feet from"), min_value=0, max_value=10**8)
    sqft_max = filters.NumberFilter(method="by_range", label=_("Square feet to"), min_value=0, max_value=10**8)
    status = filters.MultipleChoiceFilter(choices=PropertyStatus.choices, label=_("Status"))
    purpose = filters.ChoiceFilter(choices=Purpose.choices, method="by_purpose", label=_("Purpose"))
    has_owner = YesNoFilter(method="by_owner_known", label=_("Owner known"))
    has_number = YesNoFilter(method="by_number_known", label=_("Has a WhatsApp number"))
    agent = IdFilter(method="by_agent", label=_("Agent"))
    sheet = IdFilter(method="by_sheet", label=_("Sheet"))
    nationality = filters.CharFilter(method="by_nationality", label=_("Owner's nationality"), max_length=60)
    since = filters.DateFilter(method="by_change", label=_("Changed since"))

    @property
    def currency(self) -> str:
        """Of prices: that of the organisation."""
        return self.actor.organization.currency if self.actor else "AED"

    def by_project(self, units: QuerySet[Any], _name: str, projects: list[int]) -> QuerySet[Any]:
        return units.of_projects(projects) if projects else units  # type: ignore[attr-defined]

    def by_range(self, units: QuerySet[Any], name: str, value: Decimal | None) -> QuerySet[Any]:
        """The lower end or the upper one, by how the parameter ends."""
        if value is None:
            return units
        what, end = name.split("_")
        bound = {"least" if end == "min" else "most": value}
        if what == "bedrooms":
            return units.with_bedrooms(**{side: int(number) for side, number in bound.items()})  # type: ignore[attr-defined]
        if what == "price":
            minor = {side: int(number.scaleb(decimals(self.currency))) for side, number in bound.items()}
            return units.priced(**minor)  # type: ignore[attr-defined]
        return units.sized(**bound)  # type: ignore[attr-defined]

    def by_purpose(self, units: QuerySet[Any], _name: str, purpose: str) -> QuerySet[Any]:
        return units.offered_for(purpose)  # type: ignore[attr-defined]

    def by_owner_known(self, units: QuerySet[Any], _name: str, known: bool) -> QuerySet[Any]:
        return units.with_owner(known)  # type: ignore[attr-defined]

    def by_number_known(self, rows: QuerySet[Any], _name: str, known: bool) -> QuerySet[Any]:
        return rows.with_number(known)  # type: ignore[attr-defined]

    def by_agent(self, units: QuerySet[Any], _name: str, agent: int) -> QuerySet[Any]:
        return units.worked_by(agent)  # type: ignore[attr-defined]

    def by_sheet(self, units: QuerySet[Any], _name: str, sheet: int) -> QuerySet[Any]:
        return units.from_sheet(sheet)  # type: ignore[attr-defined]

    def by_nationality(self, units: QuerySet[Any], _name: str, nationality: str) -> QuerySet[Any]:
        return units.owned_from(nationality)  # type: ignore[attr-defined]

    def by_change(self, units: QuerySet[Any], _name: str, since: date) -> QuerySet[Any]:
        at = timezone.make_aware(datetime.combine(since, time.min))
        return units.changed_since(at)  # type: ignore[attr-defined]


class OwnerFilter(_ActorsFilter):
    q = filters.CharFilter(method="by_text", label=_("Search"))
    project = IdsFilter(method="by_project", label=_("Owns in project"))
    language = filters.CharFilter(label=_("Language"))
    bad_contact = YesNoFilter(field_name="is_bad_contact", label=_("Bad contact"))
    has_number = YesNoFilter(method="by_number_known", label=_("Has a WhatsApp number"))
    nationality = filters.CharFilter(lookup_expr="iexact", label=_("Nationality"), max_length=60)
    units_min = filters.NumberFilter(method="by_units", label=_("Units from"), min_value=1, max_value=999)

    def by_project(self, owners: QuerySet[Any], _name: str, projects: list[int]) -> QuerySet[Any]:
        return owners.owning_in(projects) if projects else owners  # type: ignore[attr-defined]

    def by_number_known(self, owners: QuerySet[Any], _name: str, known: bool) -> QuerySet[Any]:
        return owners.with_number(known)  # type: ignore[attr-defined]

    def by_units(self, owners: QuerySet[Any], _name: str, units: Decimal) -> QuerySet[Any]:
        return owners.owning_at_least(int(units))  # type: ignore[attr-defined]


def _is_key(text: str) -> bool:
    return text.isdecimal() and len(text) < 20 and 0 < int(text) <= LARGEST_ID
