"""IDs of customers with their middle hidden."""


def masked(customer_id: str) -> str:
    """Enough of an advertiser's customer ID to recognise it again, not enough to look the person up."""
    shown = 2 if len(customer_id) >= 8 else 1
    return f"{customer_id[:shown]}••••{customer_id[-shown:]}" if len(customer_id) > 2 * shown else "••••"
