"""Climate normals for the tests: monthly figures derived from the Lanzhou typical year (CSWD)."""

from __future__ import annotations

import numpy as np

from zerocity.energy.climate import ClimateNormals

TEMPERATURE_C = [-5.54, 0.71, 5.85, 12.44, 17.36, 21.32, 22.45, 21.05, 16.93, 10.0, 3.02, -3.12]
SWING_K = [11.4, 11.3, 11.3, 13.4, 12.0, 11.8, 12.4, 12.0, 10.7, 10.1, 11.6, 10.1]
GHI_KWH_M2 = [69.0, 81.5, 111.6, 150.5, 172.8, 159.7, 178.6, 156.6, 109.2, 88.2, 67.8, 57.6]
PRESSURE_HPA = [851.2, 846.7, 847, 846.2, 844.8, 843.2, 841.8, 845.1, 850.7, 851.6, 853.4, 854.8]
TEMPERATURE_SD_K = [3.0, 2.1, 4.1, 2.9, 3.0, 3.1, 2.8, 1.7, 2.5, 2.4, 1.6, 2.3]
CLEARNESS_SD = [0.15, 0.14, 0.22, 0.23, 0.23, 0.23, 0.27, 0.23, 0.25, 0.24, 0.18, 0.15]

LANZHOU = ClimateNormals(
    36.05,
    103.88,
    1517.2,
    np.array(TEMPERATURE_C),
    np.array(SWING_K),
    np.array(GHI_KWH_M2),
    np.array(PRESSURE_HPA),
    np.array(TEMPERATURE_SD_K),
    np.array(CLEARNESS_SD),
    temperature_memory=0.65,
    clearness_memory=0.2,
)
