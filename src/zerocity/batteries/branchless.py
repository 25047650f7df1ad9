"""e^x and ln x without a branch or a call, so that loops over them run on vector registers."""

from __future__ import annotations

import numpy as np
from numba import njit

_LN2 = 0.6931471805599453
_PER_LN2 = 1.4426950408889634
# Added to a double below 2^51 in size, it leaves the nearest whole number in the lowest bits.
_ROUND = 6755399441055744.0
_ROOT_HALF_BITS = 0x3FE6A09E667F3BCD  # sqrt(0.5) as a double


@njit(cache=True, nogil=True, inline="always", error_model="numpy")
def exponential(x: float) -> float:
    """e^x within 2e-12 of it, relative, for |x| <= 700; beyond that the result has no meaning.

    2^k times a degree-8 polynomial in r = x - k ln 2. Its coefficients are a fit of least greatest
    relative error (7.8e-13) over |r| <= ln 2 / 2; summed in pairs to shorten the chain.
    """
    shifted = x * _PER_LN2 + _ROUND
    r = x - (shifted - _ROUND) * _LN2
    r2 = r * r
    r4 = r2 * r2
    low = (0.9999999999997615 + 0.9999999999806218 * r) + r2 * (
        0.5000000000618127 + 0.16666666885457668 * r
    )
    high = (0.04166666422063345 + 0.008333267029804591 * r) + r2 * (
        0.0013889178555881708 + 0.00019915423220434424 * r
    )
    p = low + r4 * (high + r4 * 2.4727261000373426e-05)
    bits = np.float64(p).view(np.int64) + (np.float64(shifted).view(np.int64) << 52)
    return float(np.int64(bits).view(np.float64))


@njit(cache=True, nogil=True, inline="always", error_model="numpy")
def logarithm(x: float) -> float:
    """ln x within 1e-12 for normal numbers x; 0 gives -709, which stands for minus infinity.

    x = 2^k m with m from sqrt(1/2) to sqrt(2), and ln m = 2 artanh((m - 1) / (m + 1)) as a series.
    """
    bits = np.float64(x).view(np.int64)
    power = (bits - _ROOT_HALF_BITS) >> 52
    m = np.int64(bits - (power << 52)).view(np.float64)
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    tail = 1 / 7 + z * (1 / 9 + z * (1 / 11 + z * (1 / 13 + z * (1 / 15 + z * (1 / 17)))))
    series = 1.0 + z * (1 / 3 + z * (1 / 5 + z * tail))
    return float(np.int32(power) * _LN2 + 2.0 * s * series)


_F = np.float32
_PER_LN2_32, _ROUND_32 = _F(_PER_LN2), _F(12582912.0)
# ln 2 in two parts: the first has few enough bits that its product with k is exact.
_LN2_HIGH, _LN2_LOW = _F(0.693359375), _F(_LN2 - 0.693359375)
_1, _1_2, _1_6, _1_24 = _F(1.0), _F(1 / 2), _F(1 / 6), _F(1 / 24)
_1_120, _1_720 = _F(1 / 120), _F(1 / 720)
_UP_32 = np.int32(23)


@njit(cache=True, nogil=True, inline="always", error_model="numpy")
def exponential32(x: np.float32) -> np.float32:
    """e^x of a float32, within 3e-7 relative for |x| <= 80; beyond that without meaning.

    2^k times the Taylor polynomial of degree 6 in r = x - k ln 2, |r| <= ln 2 / 2.
    """
    shifted = x * _PER_LN2_32 + _ROUND_32
    k = shifted - _ROUND_32
    r = (x - k * _LN2_HIGH) - k * _LN2_LOW
    r2 = r * r
    p = (_1 + r) + r2 * ((_1_2 + _1_6 * r) + r2 * ((_1_24 + _1_120 * r) + r2 * _1_720))
    bits = np.float32(p).view(np.int32) + (np.float32(shifted).view(np.int32) << _UP_32)
    return np.float32(np.int32(bits).view(np.float32))
