"""What every resource of the REST API shares: errors, pages, filters, limits and the OpenAPI description."""
