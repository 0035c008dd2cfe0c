"""Where conversions come in: native postback, dialects, pixel, bulk API, CSV import."""
