"""Tests that need a webcam and a virtual camera."""

# Seconds in which a program starts up: what is dropped then is told apart.
START_UP = 2.0
