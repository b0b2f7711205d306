"""The definition: each tolerance holds up to its size, either way, and no farther."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from lake.structures.definition import SAME, Tolerances

parts = st.floats(0, 1, allow_subnormal=False)


@given(scale=parts, strain=parts, displacement=parts, larger=st.booleans())
def test_what_stays_within_every_tolerance_is_the_same(scale, strain, displacement, larger):
    change = -SAME.scale * scale if larger else SAME.scale * scale
    assert SAME.exceeded(change, SAME.strain * strain, SAME.displacement * displacement) is None


def test_each_tolerance_that_is_exceeded_is_named():
    assert SAME.exceeded(0.033, 0.0, 0.0) == "scale"
    assert SAME.exceeded(-0.032, 0.0, 0.0) == "scale"
    assert SAME.exceeded(0.0, 0.021, 0.0) == "strain"
    assert SAME.exceeded(0.0, 0.0, 0.051) == "displacement"


def test_two_per_cent_along_one_direction_on_top_of_three_per_cent_everywhere_are_tolerated():
    stretches = [math.log(1.03) + math.log(1.02), math.log(1.03), math.log(1.03)]
    scale, strain = math.expm1(sum(stretches) / 3), math.expm1((max(stretches) - min(stretches)) / 2)
    assert SAME.exceeded(scale, strain, 0.0) is None
    assert SAME.exceeded(scale, 0.0, 0.0) == "scale"


def test_a_larger_strain_leaves_no_more_room_for_scaling_than_two_per_cent_along_one_direction_do():
    stretches = [math.log(1.03) + 2 * math.log(1.019), math.log(1.03), math.log(1.03)]  # longer by 7 %
    scale, strain = math.expm1(sum(stretches) / 3), math.expm1((max(stretches) - min(stretches)) / 2)
    assert strain < SAME.strain
    assert SAME.exceeded(scale, strain, 0.0) == "scale"


@given(wide=parts, scale=st.floats(-0.1, 0.1), strain=parts, displacement=parts)
def test_a_looser_definition_joins_whatever_a_tighter_one_joins(wide, scale, strain, displacement):
    looser = Tolerances(SAME.scale + wide / 10, SAME.strain + wide / 10, SAME.displacement + wide)
    if SAME.exceeded(scale, strain / 10, displacement / 10) is None:
        assert looser.exceeded(scale, strain / 10, displacement / 10) is None
