"""Links, clicks and legacy click IDs in the operator panel."""

from tracking.admin.clicks import ClickAdmin, TrackingLinkAdmin
from tracking.admin.legacy import LegacyClickIDAdmin

__all__ = ["ClickAdmin", "LegacyClickIDAdmin", "TrackingLinkAdmin"]
