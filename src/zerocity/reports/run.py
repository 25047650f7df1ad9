"""A run as one self-contained page."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
from plotly.offline import get_plotlyjs

from zerocity.errors import RunStateError
from zerocity.reports import sections_batteries as batteries
from zerocity.reports import sections_energy as energy
from zerocity.reports import sections_foresight as plans
from zerocity.reports import sections_market as market
from zerocity.reports import sections_trust as trust
from zerocity.reports.folding import Results, counted
from zerocity.reports.page import page
from zerocity.reports.tables import open_run

SECTIONS = (
    trust.key_figures,
    energy.energy_by_hour,
    energy.energy_by_month,
    energy.cost,
    energy.carbon,
    energy.station_week,
    plans.foresight,
    energy.site_map,
    batteries.fleets,
    batteries.health,
    batteries.flows,
    market.vpp,
    market.parks,
    energy.grid,
    trust.audit,
    trust.assumptions,
    trust.confidence,
)


def write_report(run_dir: Path, out: Path | None = None) -> Path:
    """Write ``run_dir/report/index.html``, or ``out``, from a run folder and return its path.

    The same folder gives the same bytes. A table that is absent or empty leaves its section with
    a sentence that says so.

    Raises
    ------
    RunStateError : when the folder holds no readable summary.
    """
    run = open_run(Path(run_dir))
    results = Results(run)
    end = run.start + timedelta(days=run.days - 1)
    subtitle = f"{run.start} to {end}, {counted(run.days, 'day')}"
    if "seed" in run.summary:
        subtitle += f", seed {run.summary['seed']}"
    title = str(run.summary.get("title") or run.summary["city"])
    try:
        sections = [make(results) for make in SECTIONS]
    except pa.ArrowException as error:
        wanted = "Run the city again"
        raise RunStateError(f"{run.folder}: a series cannot be read: {error}. {wanted}") from error
    text = page(title, subtitle, sections, get_plotlyjs())
    target = out or run.folder / "report" / "index.html"
    partial = target.with_suffix(".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8")
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise RunStateError(f"cannot write {target}: {error.strerror}") from error
    return target
