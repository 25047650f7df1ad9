"""The city as one folder of data, read and checked."""
