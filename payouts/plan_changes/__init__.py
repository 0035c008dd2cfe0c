"""How a plan changes: drafts, what-if, consent, publishing."""
