"""Go-back-N: a window of messages under way, over links that keep order and lose.

It is here because it cannot be made ground: its links are sequences, and the window is indexed by
numbers that are computed.

Source: A. S. Tanenbaum, "Computer Networks", section 3.4.2, protocol 5.
"""

# ruff: noqa: F403, F405  (as the tutorial writes it)
from checker.lang import *

Number = Annotated[int, Range("numbers")]
Bit = Annotated[int, Range(2)]


class Frame(Record):
    number: Number
    bit: Bit


class SlidingWindow(Spec):
    """What was delivered is what was sent, in order."""

    numbers: int = const(4)  # one more than the window
    capacity: int = const(3)  # of each link
    size: int = const(3)  # of the window

    window: Annotated[Seq[Bit], AtMost("size", beyond="block")]  # sent, and not acknowledged
    first: Number = 0  # the number of the first of them
    forth: Annotated[Seq[Frame], AtMost("capacity", beyond="block")]
    back: Annotated[Seq[Number], AtMost("capacity", beyond="block")]
    expected: Number = 0
    due: Annotated[Seq[Bit], AtMost("size")]  # ghost: sent, and not delivered

    @action
    def accept(self, b: Bit) -> None:
        """Another message from above."""
        self.window.append(b)
        self.due.append(b)
        number = (self.first + len(self.window) - 1) % self.numbers
        self.forth.append(Frame(number, b))

    @action
    def send_again(self, i: Annotated[int, Range("size")]) -> None:
        require(i < len(self.window))
        self.forth.append(Frame((self.first + i) % self.numbers, self.window[i]))

    @action
    def deliver(self) -> None:
        require(len(self.forth) > 0)
        frame = self.forth.pop(0)
        if frame.number == self.expected:
            assert self.due[0] == frame.bit
            del self.due[0]
            self.expected = (self.expected + 1) % self.numbers
        self.back.append(self.expected)

    @action
    def acknowledged(self) -> None:
        require(len(self.back) > 0)
        upto = self.back.pop(0)
        done = (upto - self.first) % self.numbers
        if done <= len(self.window):
            self.window = self.window[done:]
            self.first = upto

    @action
    def lose_frame(self, i: Annotated[int, Range("capacity")]) -> None:
        require(i < len(self.forth))
        del self.forth[i]

    @action
    def lose_acknowledgement(self, i: Annotated[int, Range("capacity")]) -> None:
        require(i < len(self.back))
        del self.back[i]

    @invariant
    def due_is_in_the_window(self) -> bool:
        return len(self.due) <= len(self.window)

    @final
    def may_stop(self) -> bool:
        return True
