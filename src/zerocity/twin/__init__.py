"""Simulated time: physics over arrays, the run and its results."""
