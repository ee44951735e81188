"""Reconciliation: the fetch logs are read once more, by other code than the meter's, and the ledger must agree.

It shares no rule with billing: it parses, credits, joins and charges by itself, reads the database in one read-only
snapshot, and only tells billing what it found. Who changes the rule for money changes it here too, on purpose twice.
"""
