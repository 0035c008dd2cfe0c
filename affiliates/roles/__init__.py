"""Roles: what each may do, whom they reach, and which rows belong to whom. One table for pages, panel, API and search.

No module here imports a model, so that models can ask.
"""
