"""Run as `python -m zerocity`."""

from __future__ import annotations

from zerocity.cli.main import run

if __name__ == "__main__":
    run()
