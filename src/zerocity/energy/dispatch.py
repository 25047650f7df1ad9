"""Day plans of sites: the cheapest use of grid, sun, store and flexible charging."""

from __future__ import annotations

from zerocity.energy.site_days import SiteDays, SitePlans, join, split

__all__ = ["SiteDays", "SitePlans", "join", "split"]
