"""The agents' pages of messaging."""
