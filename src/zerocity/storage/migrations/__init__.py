"""Steps from one schema of the live store to the next, run by Alembic."""
