"""Pairing heaps of objects that refer to one another (Fredman, Sedgewick, Sleator and Tarjan 1986).

Compiled, they cost a fraction of a heap of tuples: nothing is made for an entry, and a comparison is one of two numbers
in two objects. Adding is one comparison, taking the first or any other O(log n) of them. Interpreted code has a faster
heap in the standard library.
"""

from __future__ import annotations


class Node:
    """What can be in one heap at a time: the lowest ``when`` comes first, and of equal ones the lowest ``order``.

    Both are to be set before it is added. A node has those that come after it below itself, side by side.
    """

    __slots__ = ("_above", "_below", "_beside", "order", "when")

    when: float
    order: float
    _above: Node | None  # the node that this one is below, or that it is beside; None: it is the first
    _below: Node | None
    _beside: Node | None


def added(first: Node | None, node: Node) -> Node:
    """Add a node that is in no heap; return the first one of the heap, as the other functions do."""
    node._above = node._below = node._beside = None
    return node if first is None else _joined(first, node)


def without_first(first: Node) -> Node | None:
    """Take the first node out of its heap."""
    below = first._below
    first._below = None
    if below is None:
        return None
    return _all_joined(below)


def without(first: Node, node: Node) -> Node | None:
    """Take a node out of the heap that it is in."""
    if node is first:
        return without_first(first)
    above, below, beside = node._above, node._below, node._beside
    assert above is not None
    if above._below is node:
        above._below = beside
    else:
        above._beside = beside
    if beside is not None:
        beside._above = above
    node._above = node._below = node._beside = None
    return first if below is None else _joined(first, _all_joined(below))


def _joined(one: Node, other: Node) -> Node:
    """Put the later one of the first nodes of two heaps below the earlier one."""
    if other.when < one.when or (other.when == one.when and other.order < one.order):
        one, other = other, one
    below = one._below
    other._beside = below
    if below is not None:
        below._above = other
    other._above = one
    one._below = other
    return one


def _all_joined(node: Node) -> Node:
    """Make one heap of a node and all those beside it: two by two, and then from the last pair to the first one.

    Without the pairs, a node could come to have nearly all others right below itself again and again.
    """
    if node._beside is None:
        node._above = None
        return node
    pairs: Node | None = None
    left: Node | None = node
    while left is not None:
        one, other = left, left._beside
        left = None
        if other is not None:
            left = other._beside
            one = _joined(one, other)
        one._beside = pairs
        pairs = one
    assert pairs is not None
    first, pairs = pairs, pairs._beside
    while pairs is not None:
        one, pairs = pairs, pairs._beside
        first = _joined(first, one)
    first._above = first._beside = None
    return first
