"""A sliding puzzle: tiles in a frame with one place free.

Source: W. W. Johnson and W. E. Story, "Notes on the '15' puzzle" (1879): half of all orders can be
solved.
"""

# ruff: noqa: F403, F405  (as the tutorial writes it)
from checker.lang import *

Tile = Annotated[int, Range("width * height")]  # 0: the free place
Board = Annotated[Seq[Tile], AtMost("width * height")]


class Puzzle(Spec):
    """Every order with an even number of inversions can be solved."""

    width: int = const(3)
    height: int = const(2)

    board: Board
    begun: Board

    def size(self) -> int:
        return self.width * self.height

    @init
    def any_order(self, board: Board) -> None:
        require(sorted(board) == list(range(self.size())) and board[0] == 0)
        require(self.may_begin(board))
        self.board = board
        self.begun = board

    def may_begin(self, board: Board) -> bool:
        """The free place is first, where it belongs."""
        return self.inversions(board) % 2 == 0 and board[1:3] == [1, 2]

    def inversions(self, board: Board) -> int:
        n = self.size()
        return sum(board[i] > board[j] for i in range(n) for j in range(i + 1, n))

    @action
    def slide(self, tile: Tile) -> None:
        require(tile != 0)
        free, place = self.board.index(0), self.board.index(tile)
        across = free // self.width == place // self.width and abs(free - place) == 1
        require(across or abs(free - place) == self.width)
        self.board[free], self.board[place] = tile, 0

    @invariant
    def no_tile_is_lost(self) -> bool:
        return set(self.board) == set(range(self.size()))

    @reachable
    def can_be_solved(self) -> bool:
        return self.board == list(range(self.size()))


class Swapped(Puzzle):
    """Sam Loyd's prize: the last two tiles have changed places."""

    def may_begin(self, board: Board) -> bool:
        return self.inversions(board) == 1 and board[4:] == [5, 4]
