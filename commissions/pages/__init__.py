"""Commissions as people see them: an agent on a phone, a manager who approves, whoever keeps the books."""
