"""A generator of dirty inventory workbooks in the office's 26-column master layout."""
