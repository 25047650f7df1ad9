"""The day problems of `stores.py` in other tools: run by their own interpreter, not by hand.

    python store_peers.py problems.npz

The file holds (D, T) arrays of load, sun and buying price and the numbers that are the same for
all days. Prints, as JSON and per tool, the median CPU time of a problem (model, solver, answer) and
every objective. Each tool solves with HiGHS, by its fastest documented way into it.
"""

import json
import logging
import sys
import time
import warnings

import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)

import cvxpy as cp  # noqa: E402
import linopy  # noqa: E402
import pypsa  # noqa: E402
from oemof import solph  # noqa: E402
from oemof.solph import EnergySystem, Model, components  # noqa: E402

OPTIONS = {"output_flag": False, "threads": 1}


def with_cvxpy(p, load, sun, buy):
    """Vectors and one problem."""
    n, h = len(load), p["step_h"]
    grid, export, used, into, out, stored = (cp.Variable(n, nonneg=True) for _ in range(6))
    before = cp.hstack([p["initial_kwh"], stored[:-1]])
    limits = [grid <= p["import_kw"], export <= p["export_kw"], used <= sun,
              into <= p["power_kw"], out <= p["power_kw"], stored <= p["capacity_kwh"],
              stored[n - 1] == p["initial_kwh"]]  # fmt: skip
    balance = [
        grid - export + used - into + out == load,
        stored == before + h * (p["efficiency"] * into - out / p["efficiency"]),
    ]
    cost = h * (buy @ grid - p["sell"] * cp.sum(export))
    return cp.Problem(cp.Minimize(cost), limits + balance).solve(solver=cp.HIGHS, **OPTIONS)


def with_linopy(p, load, sun, buy):
    """Labelled variables, handed to HiGHS without a file."""
    n, h = len(load), p["step_h"]
    m, steps = linopy.Model(), pd.RangeIndex(len(load), name="step")

    def power(name, most):
        return m.add_variables(0.0, pd.Series(np.broadcast_to(most, n), steps), name=name)

    grid, export = power("grid", p["import_kw"]), power("export", p["export_kw"])
    used = power("used", sun)
    into, out = power("into", p["power_kw"]), power("out", p["power_kw"])
    least = np.zeros(n)
    least[-1] = p["initial_kwh"]
    most = np.full(n, p["capacity_kwh"])
    most[-1] = p["initial_kwh"]
    stored = m.add_variables(pd.Series(least, steps), pd.Series(most, steps), name="stored")
    m.add_constraints(grid - export + used - into + out == pd.Series(load, steps))
    first = np.zeros(n)
    first[0] = p["initial_kwh"]
    change = h * p["efficiency"] * into - h / p["efficiency"] * out
    m.add_constraints(stored - stored.shift(step=1) - change == pd.Series(first, steps))
    m.add_objective((grid * pd.Series(h * buy, steps)).sum() - (h * p["sell"] * export).sum())
    m.solve("highs", io_api="direct", progress=False, **OPTIONS)
    return m.objective.value


def with_pypsa(p, load, sun, buy):
    """A network of one bus, handed to HiGHS without a file."""
    n = pypsa.Network()
    n.set_snapshots(pd.RangeIndex(len(load)))
    n.snapshot_weightings = n.snapshot_weightings.astype(float) * p["step_h"]
    n.add("Bus", "meter")
    n.add("Load", "load", bus="meter", p_set=load)
    n.add("Generator", "grid", bus="meter", p_nom=p["import_kw"], marginal_cost=buy)
    n.add("Generator", "export", bus="meter", p_nom=p["export_kw"], sign=-1.0,
          marginal_cost=-p["sell"])  # fmt: skip
    peak = max(float(sun.max()), 1.0)
    n.add("Generator", "sun", bus="meter", p_nom=peak, p_max_pu=sun / peak)
    wanted = np.full(len(load), np.nan)
    wanted[-1] = p["initial_kwh"]
    n.add("StorageUnit", "store", bus="meter", p_nom=p["power_kw"],
          max_hours=p["capacity_kwh"] / p["power_kw"], efficiency_store=p["efficiency"],
          efficiency_dispatch=p["efficiency"], state_of_charge_initial=p["initial_kwh"],
          state_of_charge_set=wanted)  # fmt: skip
    n.optimize(solver_name="highs", io_api="direct", solver_options=OPTIONS, progress=False)
    return n.objective


def with_oemof(p, load, sun, buy):
    """An energy system of one bus, through Pyomo's direct HiGHS interface."""
    index = pd.date_range("2025-01-01", periods=len(load) + 1, freq=f"{round(p['step_h'] * 60)}min")
    system = EnergySystem(timeindex=index, infer_last_interval=False)
    bus = solph.Bus(label="meter")
    flow, peak = solph.Flow, max(float(sun.max()), 1.0)
    share = p["initial_kwh"] / p["capacity_kwh"]
    system.add(
        bus,
        components.Source(label="grid", outputs={
            bus: flow(nominal_capacity=p["import_kw"], variable_costs=buy)}),
        components.Sink(label="export", inputs={
            bus: flow(nominal_capacity=p["export_kw"], variable_costs=-p["sell"])}),
        components.Source(label="sun", outputs={
            bus: flow(nominal_capacity=peak, maximum=sun / peak)}),
        components.Sink(label="load", inputs={bus: flow(nominal_capacity=1.0, fix=load)}),
        components.GenericStorage(
            label="store", inputs={bus: flow(nominal_capacity=p["power_kw"])},
            outputs={bus: flow(nominal_capacity=p["power_kw"])},
            nominal_capacity=p["capacity_kwh"], initial_storage_level=share, balanced=True,
            inflow_conversion_factor=p["efficiency"], outflow_conversion_factor=p["efficiency"]),
    )  # fmt: skip
    model = Model(system)
    model.solve(solver="highs")
    return model.objective()


TOOLS = {"cvxpy": with_cvxpy, "linopy": with_linopy, "oemof-solph": with_oemof, "PyPSA": with_pypsa}


def main():
    """Solve every day with every tool; the first day is solved once before the clock runs."""
    data = np.load(sys.argv[1])
    p = {k: float(data[k]) for k in data.files if data[k].ndim == 0}
    found = {}
    for name, solve in TOOLS.items():
        solve(p, data["load_kw"][0], data["pv_kw"][0], data["buy"][0])
        spent, objectives = [], []
        for day in range(len(data["load_kw"])):
            start = time.process_time()
            objectives.append(
                float(solve(p, data["load_kw"][day], data["pv_kw"][day], data["buy"][day]))
            )
            spent.append(time.process_time() - start)
        found[name] = {"seconds": float(np.median(spent)), "objectives": objectives}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
