"""What is true: the protocols, as executable state machines.

A spec is pure.  No I/O, clock, thread or randomness lives here, and nothing is imported but
the standard library, this package and `checker.lang`.

Reading order: `consensus`, `voting`, `paxos`, `paxos_nodes`; `transaction_commit`, `two_phase`.
What is wrong on purpose is in `broken/`, networks and faults to build on are in `parts/`, and
`manifest.toml` says what a check of each must find.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from checker.lang import Spec


def catalogue() -> dict[str, type[Spec]]:
    """The specs that ship, by the names that `quorate` knows them by.

    `paxos` is a spec; `paxos:ForgetsPromise` is a variant of it that is broken on purpose.
    """
    from spec import broken, consensus, paxos, paxos_nodes, transaction_commit, two_phase, voting

    shipped: dict[str, type[Spec]] = {
        "consensus": consensus.Consensus,
        "voting": voting.Voting,
        "paxos": paxos.Paxos,
        "paxos_nodes": paxos_nodes.PaxosNodes,
        "transaction_commit": transaction_commit.TransactionCommit,
        "two_phase": two_phase.TwoPhase,
    }
    for name, variants in broken.VARIANTS.items():
        shipped |= {f"{name}:{variant.__name__}": variant for variant in variants}
    return shipped
