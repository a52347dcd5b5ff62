"""Two-way sync of linked sheets: read, merge cell by cell, write back, look again."""
