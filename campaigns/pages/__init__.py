"""Campaigns on pages: the list, writing one, deciding about it, and watching what becomes of it."""
