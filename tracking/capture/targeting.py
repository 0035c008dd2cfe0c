"""Facts about a visitor on the hot path, for links whose offer has targeting."""

from tracking.capture.routes import Visitor
from tracking.visitors.agents import describe
from tracking.visitors.geography import locate


def visitor_of(ip: str | None, user_agent: str) -> Visitor:
    """Country, device and system; both look-ups are in memory and cache their answers."""
    agent = describe(user_agent)
    return Visitor(country=locate(ip).country, device=agent.device, system=agent.os, is_in_app=agent.is_in_app)
