"""The declared sources as a page of the documentation."""

from conversions.sources.base import FileSource, Source, WebhookSource
from conversions.sources.connections import PREFIX
from conversions.sources.table import sources
from records.translation import in_english

_HEAD = """# Shops, billing systems and files

The events of these sources are read as they are. This page is generated from `conversions/sources/` by
`python manage.py sources`; [adding a source](how-to/add-a-source.md) is adding one file.

An operator connects a source for an advertiser (panel, Sources): chooses a goal for each of its events, pastes the
platform's signing secret, and gives the platform the address. An event without a goal is not counted.

- **Click ID.** The shop stores it with the order, under `click_id` or one of its usual other names; a value that is a
  click ID of ours is found under any name.
- **Refunds and cancellations** name the order, not the goal: the sale is found by its transaction. One that arrives
  before its sale is parked and waits for it.
- **Renewals** name the customer: the offer's customer lock finds the affiliate. One that arrives before the customer's
  first event is parked.
- **Orders without a click ID**, coupon and customer of an affiliate are stored with the reason `no_affiliate`. They are
  no error.
- **Amounts** are in the unit that each source documents; currencies with no or three decimals are read rightly.
- **Personal data** in a webhook (names, addresses, lines of an order) is not stored: only the values of our fields are.

## Answers of the webhooks

Platforms send a webhook again when it is not answered 2xx, and switch it off after repeated failures. So the status
says whether to send again, and the body what was decided:

| status | when |
| --- | --- |
| 200 | decided, whatever the decision: the same again would be decided the same. An operator may replay it |
| 200 `ignored` | not read, without a goal, or not to be counted yet, as an unpaid order. It is not stored |
| 401 | the token in the address, or the signature, is wrong. With the right token it is stored with the advertiser |
| 403, 410 | the advertiser or the source is switched off, or the sender's network is not allowed |
| 404, 405 | the address is none of a source, or the method is not POST |
| 413 | the body is larger than 1 MB |
| 429, 503 | to be sent again later |

Addresses are `/sources/<source>/<token>`. The token says whose the webhook is; the signature proves it.

"""


def source_page() -> str:
    """The page's Markdown, a part for each source."""
    return _HEAD + "\n".join(part_of(source) for source in sources().values())


def part_of(source: Source) -> str:
    facts = [("Name", f"`{source.code}`")]
    if isinstance(source, WebhookSource):
        facts += [("Address", f"`{PREFIX}{source.code}/<token>`"), ("Signature", source.signed)]
        facts += [("Events to choose", ", ".join(f"`{each}`" for each in source.events))]
    elif isinstance(source, FileSource):
        facts += [("Files", "imported in the panel (Postbacks) or by `manage.py import_conversions --form src_…`")]
    facts += [("Tests", source.tests), *([("A guess", source.guesses)] if source.guesses else [])]
    notes = "".join(f"- {name}: {text}\n" for name, text in facts)
    words = "".join(f"| `{word}` | {in_english(what)} |\n" for word, what in source.words.items())
    reads = "".join(f"| `{ours}` | {text} |\n" for ours, text in source.reads.items())
    steps = "".join(f"{number}. {in_english(step)}\n" for number, step in enumerate(source.steps, 1))
    return (
        f"## {source.title}\n\n{notes}\n| event, to be mapped to a goal | what it is |\n| --- | --- |\n{words}\n"
        f"| ours | read from |\n| --- | --- |\n{reads}\nSetting it up:\n\n{steps}"
    )
