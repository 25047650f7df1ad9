"""How Sphinx builds these pages: `sphinx-build -W docs docs/_build`."""

from __future__ import annotations

from importlib.metadata import version as installed_version

project = "Zerocity"
author = "the Zerocity contributors"
project_copyright = "2026, the Zerocity contributors"
version = release = installed_version("zerocity")

# No mathjax: the pages must read without a network, so formulas are written as text.
extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"Zerocity {release}"
html_show_sphinx = False
