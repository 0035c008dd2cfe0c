"""How affiliates reach people: the labels, referrers and devices that each way of promoting leaves on a click."""

from dataclasses import dataclass

from dashboard.demo.program.tables import build, tables


@dataclass(frozen=True, slots=True)
class Channel:
    """`labels` are the values of sub1, sub2, …; `mobile` is the share of phones; `bots` that of robots.

    With a `tracker` the affiliate's own tracking system adds its click ID to each click.
    """

    source: str
    labels: tuple[tuple[str, ...], ...]
    referrers: tuple[str, ...]
    mobile: float = 0.6
    bots: float = 0.02
    tracker: bool = False


CHANNELS = {name: build(Channel, each) for name, each in tables("channels.toml").items()}
