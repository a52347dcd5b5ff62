"""Stock and people, for agents and for those who lead them."""
