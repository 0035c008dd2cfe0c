"""The error of a webhook or row that cannot be read."""


class Unreadable(ValueError):
    """A value is not what the source's documentation says; the message says which."""
