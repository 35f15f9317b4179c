"""Two-phase commit, broken on purpose; and one crash, which breaks what is right."""

from checker.lang import *
from spec.transaction_commit import ResourceManager, RMState
from spec.two_phase import Commit, TMState, TwoPhase


class CommitsEarly(TwoPhase):
    """The transaction manager commits when one resource manager is prepared.

    The mistake: to count answers, not who has answered.  A repeated message counts twice.

    Gives: a commit that not all have prepared after 3 steps; two decisions that differ after 5.
    """

    @action
    def tm_commit(self) -> None:
        require(self.tm_state == TMState.INIT)
        require(len(self.tm_prepared) > 0)
        self.tm_state = TMState.COMMITTED
        self.sent.add(Commit())


class AbortsAfterPrepared(TwoPhase):
    """A resource manager that waits for too long aborts by itself, prepared or not.

    The mistake: a time-out where there must be none.  Databases call it a heuristic decision,
    and give it to the operator, who may do the same.

    Gives: one aborts while another commits, after 9 steps; no shorter run gets to a commit.
    """

    @action
    def rm_choose_to_abort(self, rm: ResourceManager) -> None:
        require(self.rm_state[rm] in {RMState.WORKING, RMState.PREPARED})
        self.rm_state[rm] = RMState.ABORTED


class CoordinatorCrashes(TwoPhase):
    """The transaction manager may crash, and does not come back.

    No rule is broken here: this is two-phase commit as it is.  All decisions are consistent
    still, but a resource manager that is prepared may wait for ever.

    Gives: a lasso against `decides`: all prepare, the transaction manager crashes, and that is
    the end, although every step that stays possible is taken.
    """

    crashed: bool = False

    @action
    def crash(self) -> None:
        require(not self.crashed)
        self.crashed = True

    # What is overridden keeps its marker and its fairness.

    def tm_receive_prepared(self, rm: ResourceManager) -> None:
        require(not self.crashed)
        super().tm_receive_prepared(rm)

    def tm_commit(self) -> None:
        require(not self.crashed)
        super().tm_commit()

    def tm_abort(self) -> None:
        require(not self.crashed)
        super().tm_abort()

    def is_over(self) -> bool:
        """That all wait for a manager that is gone is what `decides` objects to."""
        return super().is_over() or self.crashed
