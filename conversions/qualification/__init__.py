"""Qualification rules of a goal: judgement, what came before, waiting, words."""
