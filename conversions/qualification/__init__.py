"""Qualification rules of a goal: evaluation, past events, holds, texts."""
