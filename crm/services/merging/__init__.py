"""Duplicates become one, and one becomes two again."""

from crm.services.merging.elsewhere import STAYS, keys_to, moved_plainly, name_of
from crm.services.merging.fields import BOTH, OURS, SAME, THEIRS, FieldLine
from crm.services.merging.joining import KINDS, MergePreview, kind_of, merge, moves_of, preview_merge, settle_merge
from crm.services.merging.recording import put, unfolded
from crm.services.merging.reversing import reverse_merge

__all__ = [
    "BOTH",
    "KINDS",
    "OURS",
    "SAME",
    "STAYS",
    "THEIRS",
    "FieldLine",
    "MergePreview",
    "keys_to",
    "kind_of",
    "merge",
    "moved_plainly",
    "moves_of",
    "name_of",
    "preview_merge",
    "put",
    "reverse_merge",
    "settle_merge",
    "unfolded",
]
