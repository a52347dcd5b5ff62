"""Which contacts, and which units, may be one: found set by set, judged by their reasons, never certain."""

from crm.duplicates.contacts import contact_pairs
from crm.duplicates.judging import Pair, Reason, Verdict, judge, words_of
from crm.duplicates.units import unit_pairs

__all__ = ["Pair", "Reason", "Verdict", "contact_pairs", "judge", "unit_pairs", "words_of"]
