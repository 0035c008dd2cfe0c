"""The links of the clicks that requests name."""

from conversions.intake import reference_cache
from conversions.intake.case import Case


def load_links(cases: list[Case]) -> None:
    """Attach the link of each genuine click ID; no query with a warm cache, else one."""
    clicked = [(case, click) for case in cases if case.is_open and (click := case.event.click)]
    links = reference_cache.links.many(click.link_number for _, click in clicked)
    for case, click in clicked:
        case.origin.named_link = links.get(click.link_number)
