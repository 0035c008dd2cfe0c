"""Pages of the operator panel that belong to no single model: overview, search, funnel, doctor."""
