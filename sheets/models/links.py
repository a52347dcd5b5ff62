"""Which row of a sheet became which object, and the cells on which the two do not agree."""

from __future__ import annotations

from hashlib import sha256
from typing import Self

from django.db import models
from django.db.models import Q

from core.models import TenantForeignKey, TenantModel, TenantQuerySet
from sheets.models.runs import ImportRun
from sheets.models.sources import Spreadsheet


class RowLink(TenantModel):
    """Which row of a sheet became which object, and the values on which both last agreed.

    Both sides are kept as each had them, `1.2M CASH` in the sheet and 1200000 in Majlis: who changed since is seen by
    comparing each with its own past.
    """

    spreadsheet = TenantForeignKey(Spreadsheet, related_name="links")
    row_key = models.CharField(max_length=500, help_text="what the row is known by, however the sheet is sorted")
    fingerprint = models.BinaryField(max_length=16, help_text="of the row's cells: unchanged rows are not looked at")
    object_id = models.BigIntegerField(help_text="the unit")
    related_id = models.BigIntegerField(null=True, help_text="the owner")
    base = models.JSONField(default=dict, help_text="the cells when both last agreed")
    app = models.JSONField(
        default=dict, db_default={}, help_text="what Majlis had when both last agreed (linked sheets)"
    )
    agreed_at = models.DateTimeField(null=True, help_text="when every cell of the row last agreed")
    row = models.PositiveIntegerField(null=True, help_text="where it stood when it was last read")
    gone_at = models.DateTimeField(null=True, help_text="since when the row is not in the sheet any more")
    awaits_row = models.BooleanField(
        default=False, db_default=False, help_text="Majlis appends the row, or did and has not seen it yet"
    )
    withdrawn = models.CharField(
        max_length=20, blank=True, db_default="", help_text="the object's state before the row disappeared"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "spreadsheet", "row_key"], name="sheets_rowlink_once"),
            models.CheckConstraint(
                name="sheets_rowlink_awaited_is_not_gone", condition=Q(awaits_row=False) | Q(gone_at__isnull=True)
            ),
        ]
        indexes = [
            # which rows of which sheets speak of this object: its page, its project's sheets, other rows of one unit
            models.Index(fields=["organization", "object_id"], name="sheets_rowlink_of_object"),
        ]

    def __str__(self) -> str:
        return f"{self.row_key} ({self.pk})"


class Resolution(models.TextChoices):
    OURS = "ours", "Majlis is right"
    THEIRS = "theirs", "The sheet is right"


class Closing(models.TextChoices):
    """Why a conflict was closed without anybody's decision."""

    UNLINKED = "unlinked", "The sheet was unlinked"


class ConflictQuerySet(TenantQuerySet):
    def open(self) -> Self:
        """Waiting for a person."""
        return self.filter(resolution="", settled_at__isnull=True)

    def resolved(self) -> Self:
        """Decided by a person, and to be carried out by the next sync."""
        return self.filter(settled_at__isnull=True).exclude(resolution="")

    def settled(self) -> Self:
        """Carried out, or both sides came to agree by themselves."""
        return self.filter(settled_at__isnull=False)


class Conflict(TenantModel):
    """One cell that was changed here and in the sheet, to different values. Neither is touched until a person decides.

    Settled without a resolution: both sides came to agree by themselves.
    """

    spreadsheet = TenantForeignKey(Spreadsheet, related_name="conflicts")
    link = TenantForeignKey(RowLink, related_name="conflicts")
    run = TenantForeignKey(ImportRun, related_name="conflicts", help_text="which found it")
    row = models.PositiveIntegerField(help_text="as the spreadsheet numbers it, when it was found")
    field = models.CharField(max_length=200)
    column = models.CharField(max_length=200, help_text="its header")
    base = models.TextField(blank=True, help_text="the cell when both last agreed")
    ours = models.TextField(blank=True)
    theirs = models.TextField(blank=True)
    resolution = models.CharField(max_length=6, choices=Resolution, blank=True)
    resolved_by = TenantForeignKey("core.Membership", null=True, blank=True, related_name="+")
    resolved_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True, help_text="when a sync carried the decision out")
    closed_because = models.CharField(
        max_length=8, choices=Closing, blank=True, db_default="", help_text="when nothing was carried out: why not"
    )

    objects = ConflictQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "link", "field"],
                condition=Q(settled_at__isnull=True),
                name="sheets_conflict_one_open_per_cell",
            ),
            models.CheckConstraint(
                name="sheets_conflict_closed_is_settled",
                condition=Q(closed_because="") | Q(settled_at__isnull=False),
            ),
            models.CheckConstraint(
                name="sheets_conflict_resolved_by_someone_at_some_time",
                condition=Q(resolution="", resolved_by__isnull=True, resolved_at__isnull=True)
                | (~Q(resolution="") & Q(resolved_by__isnull=False, resolved_at__isnull=False)),
            ),
        ]
        indexes = [
            # the conflict inbox, newest first
            models.Index(
                fields=["organization", "-id"], condition=Q(settled_at__isnull=True), name="sheets_conflict_open"
            ),
            # the same of one sheet; and how many of each sheet wait
            models.Index(
                fields=["organization", "spreadsheet", "-id"],
                condition=Q(settled_at__isnull=True),
                name="sheets_conflict_open_of_sheet",
            ),
            # what was settled, newest first
            models.Index(
                fields=["organization", "-id"], condition=Q(settled_at__isnull=False), name="sheets_conflict_settled"
            ),
        ]

    def __str__(self) -> str:
        return f"row {self.row} {self.column} ({self.pk})"

    @property
    def state(self) -> str:
        """A short mark of both values and the decision: whoever decides sends it back, and is told when it moved."""
        said = "\0".join([self.resolution, str(self.settled_at is not None), self.ours, self.theirs])
        return sha256(said.encode()).hexdigest()[:16]


class Side(models.TextChoices):
    """What a line of the difference tells: a cell that is changed on one side, or what becomes of a whole row."""

    APP = "app", "In Majlis"
    SHEET = "sheet", "In the sheet"
    NEW = "new", "A new row"
    GONE = "gone", "A row that is gone"
    CLASH = "clash", "In conflict"  # before: in Majlis, after: in the sheet
    ADDED = "added", "A row appended"


class CellChange(TenantModel):
    """One cell that a sync changed, or (in a dry run) would change, or one row: the readable difference of a run."""

    run = TenantForeignKey(ImportRun, related_name="cells")
    row = models.PositiveIntegerField()
    row_key = models.CharField(max_length=500)
    side = models.CharField(max_length=5, choices=Side, help_text="where it is changed, or what became of the row")
    field = models.CharField(max_length=200)
    column = models.CharField(max_length=200)
    before = models.TextField(blank=True)
    after = models.TextField(blank=True)

    class Meta:
        indexes = [
            # what a run did, in the order of the sheet
            models.Index(fields=["organization", "run", "id"], name="sheets_cellchange_of_run"),
        ]

    def __str__(self) -> str:
        return f"row {self.row} {self.column} ({self.pk})"
