"""The hot path of a click: from the link to a durable row, or to the spool while the database is away."""
