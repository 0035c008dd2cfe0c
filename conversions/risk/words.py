"""The words for risk signals that affiliates read."""

# What an affiliate reads of each mark: neither points nor limits, which would show how to stay just below them.
TO_AFFILIATES = {
    "bot_click": "The click was made by a bot.",
    "data_centre": "The click came from a hosting company's network.",
    "duplicate_click": "The click repeats one of the same visitor of seconds before.",
    "too_fast": "The event came sooner after the click than people need.",
    "country_mismatch": "The click's country does not fit the event or the offer.",
    "same_address": "Many customers came from one address.",
    "crowded_click": "One click brought several customers.",
    "self_referral": "The click came from an address from which the affiliate itself signs in.",
    "velocity": "Far more conversions than usual came within an hour.",
}
A_SIGNAL = "A signal speaks against it."


def words_for_affiliates(mark: str) -> str:
    """The sentence for a mark's name; a general one for a name that has none."""
    return TO_AFFILIATES.get(mark, A_SIGNAL)
