"""The whole story of an ID: click, postbacks with their decisions, conversions, money."""

from dashboard.trace.lookup import KINDS, LookupResult, conversion_named, look_up, postback_named
from dashboard.trace.reach import found_for, look_up_for
from dashboard.trace.story import Story, sees, story_of

__all__ = [
    "KINDS",
    "LookupResult",
    "Story",
    "conversion_named",
    "found_for",
    "look_up",
    "look_up_for",
    "postback_named",
    "sees",
    "story_of",
]
