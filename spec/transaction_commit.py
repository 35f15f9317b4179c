"""Transaction commit: what has to be achieved, and nothing about how.

Several resource managers must all commit or all abort.  Each prepares, or aborts by itself.
One that is prepared commits once all are prepared or have committed already; and any that has
not committed may abort as long as none has.

`two_phase.py` refines this.

Source: J. Gray and L. Lamport, "Consensus on Transaction Commit" (2006), section 2 and its TLA+
module TCommit.

Parameters, which are therefore counted: the resource manager that takes a step.
"""

from enum import Enum

from checker.lang import *


class ResourceManager(Sort):
    """Who takes part in the transaction."""


class RMState(Enum):
    WORKING = "working"
    PREPARED = "prepared"
    COMMITTED = "committed"
    ABORTED = "aborted"


class TransactionCommit(Spec):
    """All resource managers commit, or all abort."""

    resource_managers: Set[ResourceManager] = members(3)

    rm_state: Map[ResourceManager, RMState] = everywhere(RMState.WORKING)

    @action
    def prepare(self, rm: ResourceManager) -> None:
        require(self.rm_state[rm] == RMState.WORKING)
        self.rm_state[rm] = RMState.PREPARED

    @action
    def commit(self, rm: ResourceManager) -> None:
        require(self.rm_state[rm] == RMState.PREPARED)
        require(self.can_commit())
        self.rm_state[rm] = RMState.COMMITTED

    @action
    def abort(self, rm: ResourceManager) -> None:
        require(self.rm_state[rm] in {RMState.WORKING, RMState.PREPARED})
        require(self.none_has_committed())
        self.rm_state[rm] = RMState.ABORTED

    def can_commit(self) -> bool:
        may = {RMState.PREPARED, RMState.COMMITTED}
        return all(self.rm_state[rm] in may for rm in self.resource_managers)

    def none_has_committed(self) -> bool:
        return all(self.rm_state[rm] != RMState.COMMITTED for rm in self.resource_managers)

    @invariant
    def decisions_are_consistent(self) -> bool:
        states = {self.rm_state[rm] for rm in self.resource_managers}
        return not (RMState.COMMITTED in states and RMState.ABORTED in states)

    @reachable
    def all_can_commit(self) -> bool:
        return all(self.rm_state[rm] == RMState.COMMITTED for rm in self.resource_managers)

    @reachable
    def all_can_abort(self) -> bool:
        return all(self.rm_state[rm] == RMState.ABORTED for rm in self.resource_managers)

    @final
    def may_stop(self) -> bool:
        """Safety only: nothing has to happen."""
        return True
