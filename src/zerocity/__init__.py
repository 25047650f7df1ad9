"""Plans and runs a zero-carbon city that lives on batteries."""

__version__ = "0.1.0"
