"""Queries of the portal's pages. Every function takes the affiliate whose rows it may read."""
