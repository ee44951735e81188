"""Billing: wallets, holds, watches and the ledger; owns the database `streamify_billing`."""
