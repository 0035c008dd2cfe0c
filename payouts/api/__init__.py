"""Earnings, invoices and what-if in the REST API."""
