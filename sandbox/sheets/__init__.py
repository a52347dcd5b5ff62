"""A stand-in for Google Sheets, Drive and the token endpoint: real clients talk to it, people edit beside them."""
