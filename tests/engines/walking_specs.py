"""Somebody who walks about, and what may be said of it: for tests of random walks."""

from __future__ import annotations

from typing import Annotated

from checker.lang import (
    Range,
    Spec,
    action,
    invariant,
    reachable,
    refinement,
    require,
    step_property,
)


class Walk(Spec):
    """Somebody walks about on a large square."""

    x: Annotated[int, Range(200)] = 100
    y: Annotated[int, Range(200)] = 100

    @action
    def right(self) -> None:
        require(self.x < 199)
        self.x += 1

    @action
    def left(self) -> None:
        require(self.x > 0)
        self.x -= 1

    @action
    def up(self) -> None:
        require(self.y < 199)
        self.y += 1

    @action
    def stand(self) -> None:
        pass

    @reachable
    def moved(self) -> bool:
        return self.x != 100

    @reachable
    def far(self) -> bool:
        return self.x == 0 and self.y == 199


class Fence(Walk):
    @invariant
    def inside(self) -> bool:
        return self.y < 105


class NeverRight(Walk):
    @step_property
    def not_right_high(self) -> bool:
        return not (self.y == 103 and self.x > self.old.x)


class Height(Spec):
    h: Annotated[int, Range(200)] = 100

    @action
    def grow(self) -> None:
        require(self.h < 103)
        self.h += 1


class Climbs(Walk):
    @refinement
    def height(self) -> Height:
        return Height.at(h=self.y)


class Stuck(Walk):
    @action
    def right(self) -> None:
        require(self.y < 102)
        self.x += 1

    @action
    def left(self) -> None:
        require(self.y < 102)
        self.x -= 1

    @action
    def up(self) -> None:
        require(self.y < 102)
        self.y += 1


class TooHigh(Climbs):
    @refinement
    def height(self) -> Height:
        return Height.at(h=self.y if self.y < 102 else 300)


class Leaves(Walk):
    @action
    def up(self) -> None:
        self.y += 40
