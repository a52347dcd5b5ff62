"""Local stand-ins for other people's systems, reached over real HTTP only. No Majlis app imports this package."""
