"""Signs and unit factors, said once.

Power into a battery or a site is positive; out of it is negative. Energy [kWh], power [kW],
temperature [degC], money [CNY], mass [kg], carbon [kgCO2e]. ``soc`` and ``soh`` are fractions 0-1.
Inside, time is UTC.
"""

from __future__ import annotations

KELVIN_AT_0_C = 273.15
HOURS_PER_DAY = 24.0
KWH_PER_MWH = 1000.0
KG_PER_T = 1000.0
J_PER_KWH = 3.6e6
