# SPDX-License-Identifier: GPL-3.0-or-later
"""What a driver's expression makes of the control that it reads, told by trying it. Text in, numbers out."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

_LEAST_SLOPE = 1e-4
# where a slope is read off, and how far beside a straight line counts as bent
_NEAR, _BENT = 1e-6, 1e-3
# how much of the way of a key must be straight
_SHARES = (0.1, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class DriverShape:
    """value = factor * variable. one_sided: on the other side of zero the value stays zero."""

    factor: float
    one_sided: bool


def driver_shape(
    expression: str, name: str, constants: Mapping[str, float] = MappingProxyType({})
) -> DriverShape | None:
    """The shape of ``expression`` in its variable ``name``: straight from zero to one at least on one side.

    constants: what its other variables are. Arithmetic, ``min``, ``max``, ``clamp``, ``abs`` and choices by ``if`` are
    understood. None for anything else and for what is bent, does not rest at zero, or goes to positive values on both
    sides.
    """
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
        return _shape(_Filled(constants).visit(tree), name)
    except (SyntaxError, ValueError, ZeroDivisionError, OverflowError):
        return None


class _Filled(ast.NodeTransformer):
    """Puts the constants into an expression."""

    def __init__(self, constants: Mapping[str, float]) -> None:
        self._constants = constants

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """The base class calls it so."""
        return ast.Constant(self._constants[node.id]) if node.id in self._constants else node


def _shape(tree: ast.expr, name: str) -> DriverShape | None:
    if abs(_value(tree, name, 0.0)) > _BENT:
        return None
    slopes = {side: side * _value(tree, name, side * _NEAR) / _NEAR for side in (1.0, -1.0)}
    if abs(slopes[1.0] - slopes[-1.0]) < _BENT * abs(slopes[1.0]):
        return DriverShape(slopes[1.0], False) if _is_straight(tree, name, slopes[1.0]) else None
    side = max(slopes, key=lambda sign: abs(slopes[sign]))
    # two slopes: one side must be still, the other must raise the key
    if abs(slopes[-side]) > _LEAST_SLOPE or slopes[side] * side < 0 or not _is_straight(tree, name, slopes[side]):
        return None
    return DriverShape(slopes[side], True)


def _is_straight(tree: ast.expr, name: str, slope: float) -> bool:
    if abs(slope) < _LEAST_SLOPE:
        return False
    return all(abs(_value(tree, name, share / slope) - share) < _BENT for share in _SHARES)


def _value(node: ast.expr, name: str, at: float) -> float:
    """Raises ValueError for what is not understood."""
    match node:
        case ast.Constant(value=bool() | int() | float() as number):
            return float(number)
        case ast.Name(id=found) if found == name:
            return at
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_value(inner, name, at)
        case ast.UnaryOp(op=ast.UAdd(), operand=inner):
            return _value(inner, name, at)
        case ast.BinOp(left=left, op=operator, right=right):
            return _joined(operator, _value(left, name, at), _value(right, name, at))
        case ast.IfExp(test=test, body=body, orelse=other):
            return _value(body if _value(test, name, at) else other, name, at)
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            return float(_compared(operator, _value(left, name, at), _value(right, name, at)))
        case ast.Call(func=ast.Name(id=function), args=arguments, keywords=[]):
            return _called(function, [_value(argument, name, at) for argument in arguments])
    raise ValueError(ast.dump(node))


def _joined(operator: ast.operator, left: float, right: float) -> float:
    match operator:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
        case ast.Div():
            return left / right
        case ast.Pow() if right in (1.0, 2.0, 3.0):
            return float(left**right)
    raise ValueError(operator)


def _compared(operator: ast.cmpop, left: float, right: float) -> bool:
    match operator:
        case ast.Gt():
            return left > right
        case ast.GtE():
            return left >= right
        case ast.Lt():
            return left < right
        case ast.LtE():
            return left <= right
    raise ValueError(operator)


def _called(function: str, values: list[float]) -> float:
    if function == "clamp" and len(values) in (1, 3):
        low, high = values[1:] or (0.0, 1.0)
        return min(max(values[0], low), high)
    if function in ("min", "max") and len(values) > 1:
        return min(values) if function == "min" else max(values)
    if function == "abs" and len(values) == 1:
        return abs(values[0])
    raise ValueError(function)
