"""What every app's rows need: money, public IDs, append-only triggers, bulk rows, secrets."""
