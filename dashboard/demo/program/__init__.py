"""The program: offers, plans, people, links, and how they are paid."""
