"""Tariffs, sun, load, forecast and the cheapest lawful schedule of a site."""
