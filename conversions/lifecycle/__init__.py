"""Changes to a conversion after intake: status changes, refunds, decisions, appeals, holds."""
