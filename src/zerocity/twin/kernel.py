"""How the twin's kernels are compiled, and how its threads wait for each other."""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped,unused-ignore]
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from zerocity.measures.arrays import I64

# Kernels that take tuples of arrays must not count references: numba counts one up and down each
# time an array is taken out of its tuple, with atomic operations that also make threads wait for
# each other. They spent more time counting than working. Such a kernel may not make arrays.
kernel: Any = njit(  # type: ignore[call-overload,unused-ignore]
    cache=True, nogil=True, _nrt=False
)
# The same, where a division by zero is a number and not an error, so that loops can be vectorised.
vector_kernel: Any = njit(  # type: ignore[call-overload,unused-ignore]
    cache=True, nogil=True, _nrt=False, error_model="numpy"
)
# Vehicles between asking for memory and using it: enough to hide its delay.
AHEAD = 8
# Looks, some microseconds together, before a waiting thread offers its core to others.
PATIENCE = 10_000


def _peek(typing: Any, array: Any, i: Any) -> Any:
    """Read ``array[i]`` as another thread has left it; what it wrote before is there as well."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        at = _item(context, builder, signature.args[0], arguments)
        return builder.load_atomic(at, "acquire", 8)

    return array.dtype(array, types.intp), code


def _post(typing: Any, array: Any, i: Any, value: Any) -> Any:
    """Write ``array[i]`` for another thread, which then sees all that was written before, too."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        at = _item(context, builder, signature.args[0], arguments)
        builder.store_atomic(arguments[2], at, "release", 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, array.dtype), code


def _item(context: Any, builder: Any, kind: Any, arguments: Any) -> Any:
    made = context.make_array(kind)(context, builder, arguments[0])
    return cgutils.get_item_pointer(  # type: ignore[no-untyped-call,unused-ignore]
        context, builder, kind, made, [arguments[1]], wraparound=False
    )


def _give_way(typing: Any) -> Any:
    """Let another thread of the machine have this core if it waits for one."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        shape = ir.FunctionType(ir.IntType(32), [])
        call = cgutils.get_or_insert_function(  # type: ignore[no-untyped-call,unused-ignore]
            builder.module, shape, "sched_yield"
        )
        builder.call(call, [])
        return context.get_dummy_value()

    return types.void(), code


_give_way_intrinsic: Any = intrinsic(_give_way)
_peek_intrinsic: Any = intrinsic(_peek)
_post_intrinsic: Any = intrinsic(_post)


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def wait_until(turns: I64, place: int, turn: int) -> None:
    """Wait, awake and without the interpreter's lock, until ``turns[place]`` has come to ``turn``.

    To be woken takes longer than most of what a step has to wait for. Where other programs wait for
    the core they get it.
    """
    looks = 0
    while _peek_intrinsic(turns, place) < turn:
        looks += 1
        if looks > PATIENCE:
            _give_way_intrinsic()


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def turn_at(turns: I64, place: int) -> int:
    """The turn that ``turns[place]`` has come to by now."""
    return int(_peek_intrinsic(turns, place))


@kernel  # type: ignore[untyped-decorator,unused-ignore]
def announce(turns: I64, place: int, turn: int) -> None:
    """Let those go on who wait for ``turn`` at ``place``, an int64."""
    _post_intrinsic(turns, place, turn)
