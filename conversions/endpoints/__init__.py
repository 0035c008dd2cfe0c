"""Endpoints that receive conversions: native postback, dialects, pixel, bulk API, CSV import."""
