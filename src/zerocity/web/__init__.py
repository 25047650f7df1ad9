"""The HTTP side: health, metrics and the operators' interface."""
