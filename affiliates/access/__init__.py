"""Who may do what: API keys, sign-in, and what a person or a key may reach."""
