"""The inference thread: what is foreground.

Names are imported from their modules, so that a command loads no more than it needs.
"""
