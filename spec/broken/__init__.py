"""What is wrong on purpose: each variant changes one rule of a spec that ships.

A check of a variant must find what its page says, and `manifest.toml` how soon: a property
that no variant violates has not been shown to say anything.
"""

from checker.lang import Spec
from spec.broken import consensus, paxos, paxos_nodes, two_phase, voting

VARIANTS: dict[str, tuple[type[Spec], ...]] = {
    "consensus": (consensus.ChoosesTwice, consensus.ChangesItsMind),
    "voting": (
        voting.IgnoresSafety,
        voting.VotesTwice,
        voting.GoesBack,
        voting.DisjointQuorums,
    ),
    "paxos": (
        paxos.ForgetsPromise,
        paxos.IgnoresHighestVote,
        paxos.TakesAnyVote,
        paxos.ReusesBallot,
        paxos.ForgetsVote,
        paxos.DisjointQuorums,
    ),
    "paxos_nodes": (
        paxos_nodes.SendsBeforeSync,
        paxos_nodes.ForgetsBallot,
        paxos_nodes.VotesBelowPromise,
        paxos_nodes.CountsVotesNotVoters,
        paxos_nodes.AnnouncesEarly,
    ),
    "two_phase": (
        two_phase.CommitsEarly,
        two_phase.AbortsAfterPrepared,
        two_phase.CoordinatorCrashes,
    ),
}
