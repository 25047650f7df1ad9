"""Eight numbers at once in compiled code: one of each of eight problems that are solved abreast.

A compiled loop over problems that branch apart is not vectorised by the compiler, so the vectors
are said outright, as LLVM's own ``<8 x double>``; a processor with narrower registers gets the same
arithmetic in several of them. Every operation is IEEE's, lane by lane: no lane's result depends on
what the others hold, and none is reordered.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, overload, register_model

compiled: Any = intrinsic
LANES = 8
"""Numbers in a vector; those of AVX-512, twice those of AVX2, four times those of NEON."""


class LanesType(types.Type):
    """Eight float64."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")


class MaskType(types.Type):
    """Eight yes or no."""

    def __init__(self) -> None:
        super().__init__(name="LaneMask")


LANES_TYPE: Any = LanesType()
MASK_TYPE: Any = MaskType()
_DOUBLES = ir.VectorType(ir.DoubleType(), LANES)
_BITS = ir.VectorType(ir.IntType(1), LANES)


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _DOUBLES)  # type: ignore[no-untyped-call]


@register_model(MaskType)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _BITS)  # type: ignore[no-untyped-call]


def _place(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    """Pointer to the eight numbers from ``index`` of a flat array."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), _DOUBLES.as_pointer())


def _is_flat(array: Any) -> bool:
    return isinstance(array, types.Array) and array.ndim == 1 and array.layout == "C"


@compiled
def get(typing: Any, array: Any, index: Any) -> Any:
    """The eight numbers from ``index`` on of a flat contiguous array."""
    if not (_is_flat(array) and isinstance(index, types.Integer)):
        return None

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at = _place(context, builder, signature.args[0], args[0], args[1])
        return builder.load(at, align=8)

    return LANES_TYPE(array, types.intp), build


@compiled
def put(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """Write eight numbers from ``index`` on of a flat contiguous array."""
    if not (_is_flat(array) and isinstance(index, types.Integer) and value == LANES_TYPE):
        return None

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at = _place(context, builder, signature.args[0], args[0], args[1])
        builder.store(args[2], at, align=8)
        return context.get_dummy_value()

    return types.void(array, types.intp, LANES_TYPE), build


@compiled
def same(typing: Any, value: Any) -> Any:
    """One number in all lanes."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        zero = ir.Constant(ir.IntType(32), 0)
        first = builder.insert_element(ir.Constant(_DOUBLES, ir.Undefined), args[0], zero)
        order = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return builder.shuffle_vector(first, ir.Constant(_DOUBLES, ir.Undefined), order)

    return LANES_TYPE(types.float64), build


@compiled
def pick(typing: Any, mask: Any, yes: Any, no: Any) -> Any:
    """``yes`` in the lanes of ``mask``, ``no`` in the others."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(*args)

    return LANES_TYPE(MASK_TYPE, LANES_TYPE, LANES_TYPE), build


def _turned(builder: Any, rows: list[Any]) -> list[Any]:
    """Eight rows of eight numbers as eight columns, by three rounds of pairwise exchange."""
    kind = ir.VectorType(ir.IntType(32), LANES)
    for half in (4, 2, 1):
        lanes = range(LANES)
        low = [k if not k & half else (k ^ half) + LANES for k in lanes]
        high = [(k | half) if not k & half else k + LANES for k in lanes]
        new = list(rows)
        for i in lanes:
            if not i & half:
                pair = rows[i], rows[i | half]
                new[i] = builder.shuffle_vector(*pair, ir.Constant(kind, low))
                new[i | half] = builder.shuffle_vector(*pair, ir.Constant(kind, high))
        rows = new
    return rows


@compiled
def turn(typing: Any, array: Any, index: Any, stride: Any, to: Any, at: Any, by: Any) -> Any:
    """Copy an 8 x 8 block whose rows stand ``stride`` apart, transposed, to rows ``by`` apart."""
    if not (_is_flat(array) and _is_flat(to)):
        return None

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        places = []
        for k in (0, 3):
            first, apart = args[k + 1], args[k + 2]
            rows = [builder.mul(apart, ir.Constant(apart.type, row)) for row in range(LANES)]
            places.append([_place(context, builder, signature.args[k], args[k],
                                  builder.add(first, row)) for row in rows])  # fmt: skip
        columns = _turned(builder, [builder.load(place, align=8) for place in places[0]])
        for column, place in zip(columns, places[1], strict=True):
            builder.store(column, place, align=8)
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp, to, types.intp, types.intp), build


def _two(work: Callable[[Any, Any, Any], Any], takes: Any, gives: Any, doc: str) -> Any:
    """A function of two vectors."""

    def typed(typing: Any, left: Any, right: Any) -> Any:
        if left != takes or right != takes:
            return None

        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return work(builder, args[0], args[1])

        return gives(takes, takes), build

    typed.__doc__ = doc
    return compiled(typed)


def _smaller(b: Any, x: Any, y: Any) -> Any:
    return b.select(b.fcmp_ordered("<", x, y), x, y)


def _greater(b: Any, x: Any, y: Any) -> Any:
    return b.select(b.fcmp_ordered(">", x, y), x, y)


_add = _two(lambda b, x, y: b.fadd(x, y), LANES_TYPE, LANES_TYPE, "x + y")
_sub = _two(lambda b, x, y: b.fsub(x, y), LANES_TYPE, LANES_TYPE, "x - y")
_mul = _two(lambda b, x, y: b.fmul(x, y), LANES_TYPE, LANES_TYPE, "x * y")
_div = _two(lambda b, x, y: b.fdiv(x, y), LANES_TYPE, LANES_TYPE, "x / y")
least = _two(_smaller, LANES_TYPE, LANES_TYPE, "The smaller of two, lane by lane.")
most = _two(_greater, LANES_TYPE, LANES_TYPE, "The greater of two, lane by lane.")
_lt = _two(lambda b, x, y: b.fcmp_ordered("<", x, y), LANES_TYPE, MASK_TYPE, "x < y")
_le = _two(lambda b, x, y: b.fcmp_ordered("<=", x, y), LANES_TYPE, MASK_TYPE, "x <= y")
alike = _two(lambda b, x, y: b.fcmp_ordered("==", x, y), LANES_TYPE, MASK_TYPE, "Equal lanes.")
either = _two(lambda b, x, y: b.or_(x, y), MASK_TYPE, MASK_TYPE, "Lanes of one mask or the other.")


@compiled
def some(typing: Any, mask: Any) -> Any:
    """Whether any lane is in the mask."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        bits = builder.bitcast(args[0], ir.IntType(LANES))
        return builder.icmp_unsigned("!=", bits, ir.Constant(ir.IntType(LANES), 0))

    return types.boolean(MASK_TYPE), build


def _operator(of: Any, by: Any) -> None:
    def choose(left: Any, right: Any) -> Any:
        if left == LANES_TYPE and right == LANES_TYPE:
            return lambda left, right: by(left, right)
        return None

    overload(of, strict=False)(choose)


for _of, _by in (
    (operator.add, _add), (operator.sub, _sub), (operator.mul, _mul), (operator.truediv, _div),
    (operator.lt, _lt), (operator.le, _le),
):  # fmt: skip
    _operator(_of, _by)
