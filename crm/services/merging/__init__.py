"""Duplicates become one, and one becomes two again."""

from crm.services.merging.elsewhere import STAYS, keys_to, moved_plainly, name_of
from crm.services.merging.fields import BOTH, OURS, SAME, THEIRS, FieldLine, chosen_in
from crm.services.merging.joining import KINDS, MergePreview, kind_of, merge, moves_of, preview_merge, settle_merge
from crm.services.merging.many import MOST_AT_ONCE, Batch, merge_obvious, survivors_of
from crm.services.merging.recording import put, unfolded
from crm.services.merging.reversing import reverse_merge

__all__ = [
    "BOTH",
    "KINDS",
    "MOST_AT_ONCE",
    "OURS",
    "SAME",
    "STAYS",
    "THEIRS",
    "Batch",
    "FieldLine",
    "MergePreview",
    "chosen_in",
    "keys_to",
    "kind_of",
    "merge",
    "merge_obvious",
    "moved_plainly",
    "moves_of",
    "name_of",
    "preview_merge",
    "put",
    "reverse_merge",
    "settle_merge",
    "survivors_of",
    "unfolded",
]
