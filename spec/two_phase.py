"""Two-phase commit: all take part, and all agree to commit or to abort.

A transaction has touched several resource managers.  It may commit only if all of them are
prepared to; it may always be aborted, unless it has been committed.  One more process, the
transaction manager, collects the answers and decides.

* Phase 1: a resource manager that can commit says so (`Prepared`), and gives up the right to
  abort by itself.  One that cannot commit aborts, and says nothing.
* Phase 2: when all are prepared the transaction manager sends `Commit`.  Before that it may
  send `Abort`, for instance because it has waited long enough.

As long as the transaction manager runs, everyone decides in the end.  If it crashes, the
resource managers that are prepared wait for ever: they may not abort, because it may have
committed, and may not commit, because it may have aborted.  The variant `CoordinatorCrashes`
(`spec/broken/two_phase.py`) shows such a run.  This is the blocking that Paxos Commit removes.

`sent` is the set of all messages ever sent, as in `paxos.py`.

Source: J. Gray and L. Lamport, "Consensus on Transaction Commit" (2006), section 3 and its TLA+
module TwoPhase; the problem that it solves is module TCommit, here `transaction_commit.py`.
The fairness is ours: the paper states safety only.

Parameters, which are therefore counted: the resource manager that takes a step, or whose
message is received.  A message may be received again, to no effect; that is counted too.
"""

from enum import Enum

from checker.lang import *
from spec.transaction_commit import ResourceManager, RMState, TransactionCommit


class TMState(Enum):
    INIT = "init"
    COMMITTED = "committed"
    ABORTED = "aborted"


class Prepared(Record):
    rm: ResourceManager


class Commit(Record):
    pass


class Abort(Record):
    pass


class TwoPhase(Spec):
    """Two-phase commit: one coordinator, the transaction manager, decides for all."""

    resource_managers: Set[ResourceManager] = members(3)

    rm_state: Map[ResourceManager, RMState] = everywhere(RMState.WORKING)
    tm_state: TMState = TMState.INIT
    tm_prepared: Set[ResourceManager]  # those the transaction manager knows to be prepared
    sent: Set[Prepared | Commit | Abort]

    # The transaction manager.

    @action(fairness=weak(for_each="rm"))
    def tm_receive_prepared(self, rm: ResourceManager) -> None:
        require(self.tm_state == TMState.INIT)
        require(Prepared(rm) in self.sent)
        self.tm_prepared.add(rm)

    @action(fairness=weak())
    def tm_commit(self) -> None:
        require(self.tm_state == TMState.INIT)
        require(self.tm_prepared == self.resource_managers)
        self.tm_state = TMState.COMMITTED
        self.sent.add(Commit())

    @action(fairness=weak())
    def tm_abort(self) -> None:
        """At any time before the decision; fair, because waiting must end."""
        require(self.tm_state == TMState.INIT)
        self.tm_state = TMState.ABORTED
        self.sent.add(Abort())

    # The resource managers.

    @action(fairness=weak(for_each="rm"))
    def rm_prepare(self, rm: ResourceManager) -> None:
        require(self.rm_state[rm] == RMState.WORKING)
        self.rm_state[rm] = RMState.PREPARED
        self.sent.add(Prepared(rm))

    @action
    def rm_choose_to_abort(self, rm: ResourceManager) -> None:
        require(self.rm_state[rm] == RMState.WORKING)
        self.rm_state[rm] = RMState.ABORTED

    @action(fairness=weak(for_each="rm"))
    def rm_receive_commit(self, rm: ResourceManager) -> None:
        require(Commit() in self.sent)
        self.rm_state[rm] = RMState.COMMITTED

    @action(fairness=weak(for_each="rm"))
    def rm_receive_abort(self, rm: ResourceManager) -> None:
        require(Abort() in self.sent)
        self.rm_state[rm] = RMState.ABORTED

    # What it achieves.

    @invariant
    def decisions_are_consistent(self) -> bool:
        states = {self.rm_state[rm] for rm in self.resource_managers}
        return not (RMState.COMMITTED in states and RMState.ABORTED in states)

    @invariant
    def commits_only_what_all_prepared(self) -> bool:
        all_prepared = all(Prepared(rm) in self.sent for rm in self.resource_managers)
        return self.tm_state != TMState.COMMITTED or all_prepared

    @refinement
    def transaction_commit(self) -> TransactionCommit:
        return TransactionCommit.at(rm_state=self.rm_state)

    @eventually
    def decides(self, rm: ResourceManager) -> bool:
        return self.has_decided(rm)

    @reachable
    def all_can_commit(self) -> bool:
        return all(self.rm_state[rm] == RMState.COMMITTED for rm in self.resource_managers)

    @reachable
    def all_can_abort(self) -> bool:
        return all(self.rm_state[rm] == RMState.ABORTED for rm in self.resource_managers)

    @final
    def is_over(self) -> bool:
        """All have decided, the transaction manager among them."""
        all_decided = all(self.has_decided(rm) for rm in self.resource_managers)
        return all_decided and self.tm_state != TMState.INIT

    def has_decided(self, rm: ResourceManager) -> bool:
        return self.rm_state[rm] in {RMState.COMMITTED, RMState.ABORTED}
