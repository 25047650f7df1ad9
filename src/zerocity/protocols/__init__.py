"""The edge where machines speak: one folder a protocol."""
