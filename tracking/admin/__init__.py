"""Links, clicks and click IDs of a former platform in the operator panel."""

from tracking.admin.clicks import ClickAdmin, TrackingLinkAdmin
from tracking.admin.legacy import LegacyClickIDAdmin

__all__ = ["ClickAdmin", "LegacyClickIDAdmin", "TrackingLinkAdmin"]
