"""The regional technology centre: symptoms, tests and grades."""
