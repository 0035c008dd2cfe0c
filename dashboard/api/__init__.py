"""The trace and the funnel in the REST API."""
