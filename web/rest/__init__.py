"""Shared code of the REST API: errors, pages, filters, limits and the OpenAPI description."""
