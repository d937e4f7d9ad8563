"""Loops to measure against, each a program of its own that needs nothing of this project.

    python LOOP.py CLIP OUT BACKGROUND FRAMES [NETWORK]

They are what the documentation of others shows, with as little around it as a video needs. Their
environments are not ours: they import nothing of this project. Only `to_null` is our own program,
where it writes nothing.
"""
