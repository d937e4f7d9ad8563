"""Measurements and pictures of the program, made by the program."""
