"""The axis of event times, and sums over the rows at risk at each of them.

A sum over the rows at risk at every slot is a sum from the last slot backwards: a row is added where it leaves and
taken off where it comes in. Between strata the sum is set back to 0, so that a small stratum keeps its digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from outcomes.estimators.checks import FloatArray
from outcomes.estimators.counting import sum_by
from outcomes.estimators.cox.rows import Rows, Slots


@dataclass(frozen=True, slots=True)
class Design:
    """Patterns, the axis, and what is the same in every pass.

    Attributes
    ----------
    rows : Rows
    slots : Slots
    leave : ndarray of int, shape (m,)
        Twice the last slot of each pattern, one more where it has the event there.
    tied : ndarray of int, shape (t,)
        Slots with two events or more where ties are taken as Efron does; none with Breslow.
    """

    rows: Rows
    slots: Slots
    leave: NDArray[np.intp]
    tied: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Sums:
    """Six numbers a slot, shape (K,) each, of ``u_j = S - f_j D`` with ``f_j = j / d``.

    S is the sum over the rows at risk; A and B are the sums of ``m / u`` and ``m f / u``, A also the step of the
    baseline hazard at the centre; P, Q and R are the sums of ``m / u^2``, ``m f / u^2`` and ``m f^2 / u^2``, each times
    ``S^2``: without, they would leave the range of doubles.
    """

    S: FloatArray
    A: FloatArray
    B: FloatArray
    P: FloatArray
    Q: FloatArray
    R: FloatArray

    def times(self, factor: FloatArray) -> Sums:
        """Return the sums with every slot weighted."""
        return Sums(self.S, self.A * factor, self.B * factor, self.P * factor, self.Q * factor, self.R * factor)


def build_design(rows: Rows, slots: Slots, efron: bool) -> Design:
    """Find the ties."""
    leave = rows.hi.astype(np.intp)
    leave -= 1
    leave *= 2
    leave += rows.event
    tied = np.flatnonzero(slots.deaths > 1) if efron else np.zeros(0, dtype=np.intp)
    return Design(rows, slots, leave, tied)


def sum_at_risk(design: Design, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Sum values, shape (m,), over the patterns at risk, and over those with the event, at each slot: (K,) each."""
    rows, size = design.rows, design.slots.time.size
    left = sum_by(design.leave, values, 2 * size).reshape(size, 2)
    change = left.sum(axis=1)
    if rows.begins is not None:
        change -= sum_by(rows.lo[rows.begins].astype(np.intp) - 1, values[rows.begins], size)
    return from_the_end(change, design.slots.first), left[:, 1]


def gone_through(design: Design, by_slot: FloatArray, less_at_event: FloatArray) -> FloatArray:
    """Sum what happens at each slot, shape (K,), over those at which each pattern is at risk, shape (m,).

    A pattern with an event gets `less_at_event`, shape (K,), of its slot less.
    """
    upto = cumulative(by_slot)
    at_exit = np.repeat(upto[1:], 2)
    at_exit[1::2] -= less_at_event
    gone = at_exit[design.leave]
    if design.rows.begins is not None or design.slots.first.size > 1:
        gone -= upto[design.rows.lo]
    return gone


def cumulative(by_slot: FloatArray) -> FloatArray:
    """Return the sums of the first 0, 1, ... K slots."""
    upto = np.zeros((len(by_slot) + 1, *by_slot.shape[1:]))
    np.cumsum(by_slot, axis=0, out=upto[1:])
    return upto


def from_the_end(change: NDArray[Any], first: NDArray[np.intp]) -> FloatArray:
    """Sum from the last slot backwards within each stratum, in place."""
    if first.size > 1:
        change[first[1:] - 1] -= np.add.reduceat(change, first, axis=0)[1:]
    np.cumsum(change[::-1], axis=0, out=change[::-1])
    return change
