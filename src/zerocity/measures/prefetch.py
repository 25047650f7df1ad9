"""Asking for memory before it is needed."""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped,unused-ignore]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


def _prefetch(typing: Any, array: Any, i: Any) -> Any:
    """Fetch ``array[i]`` into the cache; changes nothing. ``i``, lawful, is a row or a row's item.

    Events come to vehicles and packs all over the city, whose state is far larger than a core's
    cache: without asking ahead, most of the time of such a kernel is waiting.
    """
    plain = isinstance(i, types.Integer)
    wanted: Any = types.intp if plain else types.UniTuple(types.intp, len(i))  # type: ignore[no-untyped-call,unused-ignore]

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        made = context.make_array(kind)(context, builder, arguments[0])
        place = arguments[1]
        given = [place] if plain else cgutils.unpack_tuple(builder, place)  # type: ignore[no-untyped-call,unused-ignore]
        row = given + [context.get_constant(types.intp, 0)] * (kind.ndim - len(given))
        at = cgutils.get_item_pointer(  # type: ignore[no-untyped-call,unused-ignore]
            context, builder, kind, made, row, wraparound=False
        )
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        shape = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        fetch = builder.module.declare_intrinsic("llvm.prefetch", [byte], shape)
        read, keep, data = word(0), word(3), word(1)
        builder.call(fetch, [builder.bitcast(at, byte), read, keep, data])
        return context.get_dummy_value()

    return types.void(array, wanted), code


prefetch: Any = intrinsic(_prefetch)
