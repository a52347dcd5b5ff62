"""The words that names are made of, for those who mistype one; and the filters that members keep."""

# ruff: noqa: S608 - the names put into statements are those of our own tables and columns

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

import pgtrigger
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.lookups import Exact

from core.models import Membership, TenantForeignKey, TenantModel, TenantQuerySet

if TYPE_CHECKING:
    from core.actors import Actor


# Beyond this nobody reads on: a list narrowed by words is cut there, and its cost with it.
MOST_FOUND = 10_000


class SearchWord(TenantModel):
    """A word that stands in some name. Written by triggers, never taken away: one that fits nothing finds nothing.

    Nothing makes it unique: writers would then wait for each other, and a word that is there twice does no harm.
    """

    database_privileges: ClassVar[str] = "SELECT, INSERT"
    read_by_owner: ClassVar[bool] = True

    word = models.TextField()

    class Meta:
        indexes = [
            # words that look like the one that was typed
            GinIndex(
                OpClass(F("organization"), "int8_ops"), OpClass(F("word"), "gin_trgm_ops"), name="crm_search_word_alike"
            ),
            # whether a word is there already
            models.Index(fields=["organization", "word"], name="crm_search_word_known"),
        ]

    def __str__(self) -> str:
        return f"{self.word} ({self.pk})"


def keeps_words(expression: str) -> list[pgtrigger.Trigger]:
    """Once a statement, the new words of an SQL expression over the row: letters only, four to forty of them."""

    def trigger(name: str, operation: pgtrigger.Operation, rows: str, **referencing: str) -> pgtrigger.Trigger:
        return pgtrigger.Trigger(
            name=name,
            level=pgtrigger.Statement,
            when=pgtrigger.After,
            operation=operation,
            referencing=pgtrigger.Referencing(new="new_values", **referencing),  # type: ignore[no-untyped-call]
            func=f"""
                INSERT INTO crm_searchword (organization_id, word, created_at, updated_at)
                SELECT found.organization_id, found.word, now(), now() FROM (
                    SELECT DISTINCT named.organization_id, said.word
                      FROM (SELECT DISTINCT n.organization_id, {expression} AS name FROM {rows}) named
                     CROSS JOIN LATERAL unnest(string_to_array(majlis_spaced(named.name), ' ')) AS said (word)
                     WHERE length(said.word) BETWEEN 4 AND 40 AND said.word !~ '[0-9]'
                ) found
                 WHERE NOT EXISTS (SELECT FROM crm_searchword k
                                    WHERE k.organization_id = found.organization_id AND k.word = found.word);
                RETURN NULL;
            """,
        )

    before = expression.replace("n.", "o.")
    changed = f"new_values n JOIN old_values o USING (id) WHERE {before} IS DISTINCT FROM {expression}"
    return [
        trigger("keeps_words", pgtrigger.Insert, "new_values n"),
        trigger("keeps_changed_words", pgtrigger.Update, changed, old="old_values"),
    ]


class FilteredList(models.TextChoices):
    UNITS = "units", "Units"
    OWNERS = "owners", "Owners"


class SharedWith(models.TextChoices):
    NOBODY = "nobody", "Only me"
    TEAM = "team", "My team"
    ORGANIZATION = "organization", "Everybody here"


# Six digits with at most three signs between any two, as parts of numbers are searched for, or an address of e-mail,
# in what people type freely. Written into the constraint below.
A_NUMBER = "@|([0-9\u0660-\u0669\u06f0-\u06f9\uff10-\uff19][^0-9A-Za-z,]{0,3}){6}"
HOLDS_A_NUMBER = (
    '$.keyvalue() ? (@.key like_regex "^(q|building|cluster|layout|language|nationality)$").value[*] '
    f'? (@ like_regex "{A_NUMBER}")'
)


class SavedFilterQuerySet(TenantQuerySet):
    def visible_to(self, actor: Actor) -> Self:
        """One's own, those of one's supervisor for the team, and those for everybody."""
        visible = super().visible_to(actor).select_related("membership__user")
        if actor.membership is None:
            return visible.filter(shared_with=SharedWith.ORGANIZATION)
        mine = Q(membership=actor.membership) | Q(shared_with=SharedWith.ORGANIZATION)
        if actor.membership.reports_to_id:
            mine |= Q(shared_with=SharedWith.TEAM, membership=actor.membership.reports_to_id)
        return visible.filter(mine)


class SavedFilter(TenantModel):
    """A list as somebody likes to see it: the parameters of its address, under a name.

    `parameters` holds what the address holds and nothing else, each with its texts: {"project": ["3"], "sort": ["price"]}.
    """

    membership = TenantForeignKey(Membership, related_name="saved_filters")
    name = models.CharField(max_length=60)
    list = models.CharField(max_length=6, choices=FilteredList)
    parameters = models.JSONField(default=dict)
    shared_with = models.CharField(max_length=12, choices=SharedWith, default=SharedWith.NOBODY)
    is_default = models.BooleanField(default=False, help_text="what its owner sees when he opens the list")

    objects = SavedFilterQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "membership", "list", "name"], name="crm_saved_filter_name_once"
            ),
            models.UniqueConstraint(
                fields=["organization", "membership", "list"],
                condition=Q(is_default=True),
                name="crm_saved_filter_one_default",
            ),
            models.CheckConstraint(name="crm_saved_filter_has_a_name", condition=~Q(name="")),
            models.CheckConstraint(name="crm_saved_filter_list_known", condition=Q(list__in=FilteredList.values)),
            models.CheckConstraint(
                name="crm_saved_filter_shared_with_known", condition=Q(shared_with__in=SharedWith.values)
            ),
            models.CheckConstraint(
                name="crm_saved_filter_parameters_are_named",
                condition=Exact(
                    Func(F("parameters"), function="jsonb_typeof", output_field=models.TextField()), "object"
                ),
            ),
            # Whoever searches for a number has it; those with whom the view would be shared were not given it.
            models.CheckConstraint(
                name="crm_saved_filter_shared_without_numbers",
                condition=Q(shared_with=SharedWith.NOBODY)
                | ~Q(name__regex=A_NUMBER)
                & Q(
                    Exact(
                        Func(
                            F("parameters"),
                            Value(HOLDS_A_NUMBER),
                            function="jsonb_path_exists",
                            output_field=models.BooleanField(),
                        ),
                        False,
                    )
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.pk})"
