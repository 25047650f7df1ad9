"""A day's flows, posted into the books; and the stocks, counted for the audit."""

from __future__ import annotations

from collections import Counter

import numpy as np

from zerocity.batteries.state import Packs
from zerocity.books.accounts import BATTERIES, CARBON, ENERGY, MONEY, Books, material_book
from zerocity.measures.arrays import F64
from zerocity.passports.lifecycle import Stage
from zerocity.twin.flows import MATERIALS, NightFlows
from zerocity.twin.world import DayMeters

GONE = (Stage.RECYCLED, Stage.LOST)
COUNTED = [s for s in Stage if s not in (Stage.UNMADE, Stage.MADE)]


def post_energy(books: Books, day: int, m: DayMeters, lost_kwh: float, night: NightFlows) -> None:
    """Energy of a day; ``lost_kwh`` is what chargers, inverters and packs lost."""

    def move(source: str, target: str, amount: float) -> None:
        books.post(day, ENERGY, source, target, amount)

    move("sun", "site_busbar", m.pv_kwh.sum())
    move("site_busbar", "curtailed", m.pv_kwh.sum() - m.pv_used_kwh.sum())
    move("grid", "site_busbar", m.import_kwh.sum())
    move("site_busbar", "grid_export", m.export_kwh.sum())
    move("site_busbar", "load", m.load_kwh.sum())
    move("site_busbar", "packs", m.charging_kwh.sum() + m.store_in_kwh.sum())
    move("packs", "site_busbar", m.store_out_kwh.sum())
    move("packs", "traction", m.traction_kwh.sum())
    move("packs", "losses", lost_kwh)
    move("battery_maker", "packs", night.delivered_kwh)
    move("packs", "informal", night.leaked_kwh)
    move("packs", "dismantled", night.dismantled_kwh)


def post_money(books: Books, day: int, bill: dict[str, float], night: NightFlows) -> None:
    """Money of a day. ``bill``: energy, demand_charge, export, vpp [CNY]."""

    def pay(to: str, amount: float) -> None:
        books.post(day, MONEY, "operators", to, amount)

    pay("grid_energy", bill["energy"])
    pay("grid_demand_charge", bill["demand_charge"])
    books.post(day, MONEY, "grid_export", "operators", bill["export"])
    books.post(day, MONEY, "power_market", "operators", bill["vpp"])
    pay("battery_maker", night.purchase_cny)
    pay("centre", night.centre_cny)
    pay("repacking", night.repack_cny)
    pay("haulage", night.haulage_cny)
    pay("processing", night.plant_cost_cny)
    books.post(day, MONEY, "metal_market", "operators", night.plant_revenue_cny)


def cash(bill: dict[str, float], night: NightFlows) -> float:
    """What the operators' purse gained in a day [CNY], added up apart from the ledger."""
    income = bill["export"] + bill["vpp"] + night.plant_revenue_cny
    spent = (
        bill["energy"] + bill["demand_charge"] + night.purchase_cny + night.centre_cny
        + night.repack_cny + night.haulage_cny + night.plant_cost_cny
    )  # fmt: skip
    return income - spent


def post_carbon(books: Books, day: int, grid_kg: float, night: NightFlows) -> None:
    """Carbon of a day [kgCO2e]."""
    for source, amount in (
        ("grid_generation", grid_kg),
        ("battery_making", night.embodied_kg),
        ("haulage", night.haulage_kg),
        ("processing", night.plant_burden_kg),
    ):
        books.post(day, CARBON, source, "footprint", amount)
    books.post(day, CARBON, "footprint", "recycling_credit", night.plant_credit_kg)


def post_materials(books: Books, day: int, night: NightFlows) -> None:
    """Materials of a day [kg]: recovered metal first, the mine gives the rest."""
    for k, material in enumerate(MATERIALS):
        book = material_book(material)
        books.post(day, book, "recovered", "packs", night.reused_kg[k])
        books.post(day, book, "mine", "packs", night.new_kg[k] - night.reused_kg[k])
        books.post(day, book, "packs", "informal", night.leaked_kg[k])
        books.post(day, book, "packs", "plant", night.processed_kg[k])
        books.post(day, book, "plant", "recovered", night.recovered_kg[k])
        books.post(day, book, "plant", "residue", night.residue_kg[k])


def post_batteries(books: Books, day: int, moves: Counter[tuple[str, str]]) -> None:
    """Batteries that changed stage."""
    for (source, target), count in sorted(moves.items()):
        books.post(day, BATTERIES, source, target, float(count))


def count_stocks(
    books: Books, day: int, packs: Packs, materials: F64, recovered_kg: F64, purse: float, kg: float
) -> None:
    """Count what is there.

    materials (products, materials) [kg per pack]; purse [CNY]; kg [kgCO2e] of the footprint.
    """
    present = ~np.isin(packs.stage, GONE)
    books.count(day, ENERGY, "packs", float(packs.energy_kwh.sum()))
    books.count(day, MONEY, "operators", purse)
    books.count(day, CARBON, "footprint", kg)
    by_stage = np.bincount(packs.stage, minlength=max(Stage) + 1)
    for stage in COUNTED:
        books.count(day, BATTERIES, stage.label, float(by_stage[stage]))
    by_product = np.bincount(packs.product[present], minlength=materials.shape[0])
    held = by_product @ materials
    for k, material in enumerate(MATERIALS):
        books.count(day, material_book(material), "packs", float(held[k]))
        books.count(day, material_book(material), "recovered", float(recovered_kg[k]))
