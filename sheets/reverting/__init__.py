"""Taking back what one import did."""

from sheets.reverting.sets import MOST_KEPT, REASONS, Plan, Reverting

__all__ = ["MOST_KEPT", "REASONS", "Plan", "Reverting"]
