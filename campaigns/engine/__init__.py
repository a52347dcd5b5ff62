"""What sends a running campaign: one engine at a time for each, in slices, over rows that say exactly where it is."""

from campaigns.engine.engine import run_slice
from campaigns.engine.sweeping import sweep_organization

__all__ = ["run_slice", "sweep_organization"]
