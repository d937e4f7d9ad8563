"""The one exception of this package."""


class ModelsError(Exception):
    """Bad input from the user: the message is one line and says what to do about it."""
