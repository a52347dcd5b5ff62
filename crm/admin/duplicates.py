"""Possible duplicates, merging two side by side, and the way back, in the back office."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from core.admin import TenantAdmin, call_service, site
from core.errors import DomainError
from core.roles import Capability
from crm import selectors
from crm.admin.base import actor_of
from crm.duplicates.judging import LABELS
from crm.models import DuplicateCandidate, Merge
from crm.models.merges import Noun
from crm.services import duplicates, merging

PAGES = {Noun.CONTACT: "admin:crm_contact_change", Noun.PROPERTY: "admin:crm_property_change"}


def merging_address(noun: str, survivor: int, other: int) -> str:
    return f"{reverse('admin:crm_merging')}?{urlencode({'noun': noun, 'survivor': survivor, 'other': other})}"


def _id_in(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 19 else 0


class ReasonFilter(admin.SimpleListFilter):
    title = _("reason")
    parameter_name = "code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(LABELS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(codes__contains=[self.value()]) if self.value() in LABELS else queryset


class ScoreFilter(admin.SimpleListFilter):
    title = _("score")
    parameter_name = "score"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("75", "75 and more"), ("50", "50 and more"), ("0", "less than 50")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() in ("75", "50"):
            return queryset.filter(score__gte=int(self.value() or 0))
        return queryset.filter(score__lt=50) if self.value() == "0" else queryset


@admin.register(DuplicateCandidate, site=site)
class DuplicateCandidateAdmin(TenantAdmin):
    """Pairs that may be one. A click compares the two."""

    read_capability = Capability.CRM_READ
    list_display = ["pair", "noun", "reasons_told", "score", "is_obvious", "state", "found_at"]
    list_filter = ["state", "noun", "is_obvious", ReasonFilter, ScoreFilter]
    list_select_related = [*selectors.PAIR]
    ordering = ["-score", "-id"]
    actions = ["merge_obvious", "not_the_same", "look_again"]
    export_columns: ClassVar = [
        "noun", ("First", lambda row: selectors.sides_of(row)[0].name),
        ("Second", lambda row: selectors.sides_of(row)[1].name), ("Reasons", "codes"), "score", "is_obvious", "state",
    ]  # fmt: skip
    export_prefetched = selectors.PAIR

    @display(description=_("Pair"))
    def pair(self, row: DuplicateCandidate) -> str:
        first, second = selectors.sides_of(row)
        return f"{first.name} = {second.name}"

    @display(description=_("Reasons"))
    def reasons_told(self, row: DuplicateCandidate) -> str:
        return ", ".join(selectors.reasons_of(row))

    def get_urls(self) -> list[Any]:
        compare = path("compare/", self.admin_site.admin_view(self.compare), name="crm_merging")
        search = path("search/", self.admin_site.admin_view(self.search), name="crm_duplicate_search")
        return [compare, search, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        if row is None or not self.has_view_permission(request, row):
            raise Http404
        return HttpResponseRedirect(merging_address(row.noun, *row.ids))

    def compare(self, request: HttpRequest) -> HttpResponse:
        """Both side by side, what would move, and the choice of each field; POST does it."""
        actor, at = actor_of(request), timezone.now()
        asked = request.POST if request.method == "POST" else request.GET
        survivor, other = _id_in(asked.get("survivor", "")), _id_in(asked.get("other", ""))
        given: dict[str, Any] = {
            "noun": asked.get("noun", ""),
            "survivor_id": survivor,
            "other_id": other,
            "take": merging.chosen_in(asked),
        }
        if request.method == "POST":
            try:
                merging.merge(actor=actor, at=at, **given)
            except DomainError as error:
                self.message_user(request, error.message, messages.ERROR)
            else:
                self.message_user(request, "Merged. It can be undone under Merges.", messages.SUCCESS)
                return HttpResponseRedirect(reverse(PAGES[Noun(given["noun"])], args=[survivor]))
        preview = merging.preview_merge(actor=actor, at=at, **given)
        context = {
            **self.admin_site.each_context(request),
            "title": "Merge two into one",
            "opts": self.opts,
            "preview": preview,
            "survivor": selectors.side_of(preview.survivor),
            "other": selectors.side_of(preview.other),
            "moves": preview.moves.items(),
            "swapped": merging_address(preview.noun, other, survivor),
        }
        return render(request, "crm/admin_merging.html", context)

    def search(self, request: HttpRequest) -> HttpResponse:
        """Look through the whole organisation."""
        if request.method == "POST":
            call_service(self, request, duplicates.start_search, at=timezone.now())
            self.message_user(request, "Looking for duplicates; the list fills by itself.")
        return HttpResponseRedirect(reverse("admin:crm_duplicatecandidate_changelist"))

    @admin.action(description=_("Merge these (obvious ones, a hundred at most)"))
    def merge_obvious(self, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse | None:
        """First the list of who stays; pressed there, the merges."""
        pairs = list(DuplicateCandidate.objects.open().filter(pk__in=rows.values("pk")).select_related(*selectors.PAIR))
        if request.POST.get("confirmed") != "1":
            stays = merging.survivors_of(pairs)
            shown = []
            for row in pairs:
                first, second = selectors.sides_of(row)
                stay, go = (first, second) if stays[row.pk][0] == first.pk else (second, first)
                shown.append((row, stay, go, self.reasons_told(row)))
            context = {
                **self.admin_site.each_context(request),
                "title": "Merge these",
                "opts": self.opts,
                "shown": shown,
                "most": merging.MOST_AT_ONCE,
            }
            return render(request, "crm/admin_merging_many.html", context)
        batch = call_service(self, request, merging.merge_obvious, candidates=pairs, at=timezone.now())
        if batch is not None:
            self.message_user(request, f"{len(batch.merged)} merged.")
            for pair, why in batch.refused[:10]:
                self.message_user(request, f"{self.pair(pair)}: {why}", messages.WARNING)
        return None

    @admin.action(description=_("Not the same"))
    def not_the_same(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        for row in rows:
            call_service(self, request, duplicates.dismiss_candidate, candidate=row, at=timezone.now())

    @admin.action(description=_("To be looked at again"))
    def look_again(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        for row in rows:
            call_service(self, request, duplicates.reopen_candidate, candidate=row, at=timezone.now())


@admin.register(Merge, site=site)
class MergeAdmin(TenantAdmin):
    """What was merged into what."""

    read_capability = Capability.CRM_READ
    list_display = ["at", "noun", "stays", "went", "by", "reversed_at"]
    list_filter = ["noun", ("reversed_at", admin.EmptyFieldListFilter)]
    list_select_related = [*selectors.MERGED]
    ordering = ["-id"]
    fields = ["noun", "stays", "went", "taken", "moved", "merged_by", "at", "reversed_by", "reversed_at", "kept"]
    actions = ["undo"]
    export_columns: ClassVar = [
        "noun", "at", ("Stays", lambda row: row.survivor_id), ("Went", lambda row: row.merged_id), "reversed_at",
    ]  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return list(self.fields)

    @display(description=_("Stays"))
    def stays(self, row: Merge) -> str:
        return str(row.survivor_contact or row.survivor_property)

    @display(description=_("Went"))
    def went(self, row: Merge) -> str:
        return str(row.merged_contact or row.merged_property)

    @display(description=_("By"))
    def by(self, row: Merge) -> str:
        return row.merged_by.user.name if row.merged_by else "Majlis"

    @display(description=_("Moved"))
    def moved(self, row: Merge) -> str:
        return ", ".join(f"{count} {noun}" for noun, count in merging.moves_of(row).items())

    @admin.action(description=_("Undo"))
    def undo(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        """The latest first: merges stand on one another."""
        for row in rows.order_by("-pk"):
            made = call_service(self, request, merging.reverse_merge, merge=row, at=timezone.now())
            if made is not None:
                count = sum(len(each["ids"]) for each in made.kept)
                also = f" {count} values were changed since, and stay." if count else ""
                self.message_user(request, f"{row}: they are two again.{also}")


def tell_of_duplicates(page: TenantAdmin, request: HttpRequest, noun: Noun, pk: int) -> None:
    """What was just written may be there already: said, never refused."""
    found = duplicates.look_for_duplicates(actor=actor_of(request), noun=noun, ids=[pk], at=timezone.now())
    for candidate in found[:3]:
        other = next(side for side in selectors.sides_of(candidate) if side.pk != pk)
        where = reverse("admin:crm_duplicatecandidate_change", args=[candidate.pk])
        why = ", ".join(selectors.reasons_of(candidate))
        said = 'It may be the same as {} ({}). <a class="underline" href="{}">Compare and merge</a>'
        page.message_user(request, format_html(said, other.name, why, where), messages.WARNING)


class MergeableAdmin(TenantAdmin):
    """Rows that can be there twice: told when one is added, merged two by two, and found by their old ids."""

    noun: ClassVar[Noun]

    def trail_of(self, target: Any) -> list[int]:
        return list(self.model.objects.lineage_of(target.pk))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        pk = _id_in(object_id)
        if pk and self.get_object(request, object_id) is None:
            onward = self.model.objects.survivor_of(pk).visible_to(actor_of(request)).first()
            if onward is not None:
                self.message_user(request, f"It was merged into {onward}.")
                return HttpResponseRedirect(reverse(PAGES[self.noun], args=[onward.pk]))
        answer: HttpResponse = super().change_view(request, object_id, form_url, extra_context)
        return answer

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change:
            tell_of_duplicates(self, request, self.noun, obj.pk)

    @admin.action(description=_("Merge two of them"))
    def merge_two(self, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse | None:
        ids = list(rows.order_by("pk").values_list("pk", flat=True)[:3])
        if len(ids) != 2:
            self.message_user(request, "Choose exactly two.", messages.ERROR)
            return None
        return HttpResponseRedirect(merging_address(self.noun, *ids))
