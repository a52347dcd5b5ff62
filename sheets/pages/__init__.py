"""Imports for managers: upload, mapping, preview, import, what was wrong, and the way back."""
