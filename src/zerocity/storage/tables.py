"""The tables that a run leaves, column by column: this is a file format that users rely on.

Times are UTC; ``day`` is the city's local calendar day. Energy is in kWh, money in CNY.
"""

from __future__ import annotations

import pyarrow as pa

TIME = pa.timestamp("ms", tz="UTC")

_F = pa.float64()
_S = pa.string()
_COLUMNS: dict[str, dict[str, pa.DataType]] = {
    "sites": {
        "site": pa.int16(), "name": _S, "kind": _S, "district": _S, "longitude": _F,
        "latitude": _F, "grid_limit_kw": _F, "pv_kwp": _F, "storage_kwh": _F, "plugs": pa.int32(),
        "swap_slots": pa.int32(),
    },
    "batteries": {
        "battery": pa.int32(), "code": _S, "product": _S, "chemistry": _S, "fleet": _S,
        "born": pa.date32(), "capacity_kwh": _F,
    },
    "city_steps": {
        "time": TIME, "temperature_c": pa.float32(), "ghi_w_m2": pa.float32(),
        "buy_cny_per_kwh": _F, "sell_cny_per_kwh": _F, "grid_kgco2_per_kwh": _F,
        "traction_kwh": _F,
    },
    "site_steps": {
        "time": TIME, "site": pa.int16(), "import_kwh": _F, "export_kwh": _F, "pv_kwh": _F,
        "pv_used_kwh": _F, "load_kwh": _F, "charging_kwh": _F, "storage_charge_kwh": _F,
        "storage_discharge_kwh": _F, "planned_import_kwh": pa.float32(),
    },
    "battery_days": {
        "day": pa.date32(), "battery": pa.int32(), "stage": pa.int8(), "soh": pa.float32(),
        "soc": pa.float32(), "temperature_c": pa.float32(), "throughput_kwh": pa.float32(),
    },
    "sessions": {
        "start": TIME, "end": TIME, "site": pa.int16(), "battery": pa.int32(),
        "vehicle": pa.int32(), "fleet": pa.int8(), "kind": pa.int8(), "energy_kwh": pa.float32(),
    },
    "life_events": {
        "day": pa.date32(), "battery": pa.int32(), "code": _S, "event": _S, "from_stage": _S,
        "to_stage": _S, "soh": pa.float32(), "grade": _S, "reason": _S, "hash": _S,
    },
    "fleet_days": {
        "day": pa.date32(), "fleet": _S, "km": _F, "kwh": _F, "trips_served": _F,
        "trips_missed": _F, "swaps": pa.int64(), "charges": pa.int64(),
    },
    "vpp_events": {
        "day": pa.date32(), "start_h": _F, "end_h": _F, "requested_kwh": _F, "baseline_kwh": _F,
        "metered_kwh": _F, "delivered_kwh": _F, "payment_cny": _F,
    },
    "ledger": {
        "day": pa.int32(), "book": _S, "from_account": _S, "to_account": _S, "amount": _F,
    },
    "stocks": {"day": pa.int32(), "book": _S, "account": _S, "amount": _F},
}  # fmt: skip

SCHEMAS: dict[str, pa.Schema] = {
    table: pa.schema(list(columns.items())) for table, columns in _COLUMNS.items()
}
SESSION_KINDS = ("charge", "swap")
