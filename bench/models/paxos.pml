/* Single-decree Paxos, as in spec/paxos.py: 3 acceptors, any two of which are a quorum.
 *
 *     spin -DBALLOTS=4 -DVALUES=1 -a paxos.pml
 *
 * Written to be fast in SPIN.  One process; each action is one d_step, so there are no states in
 * between, and the states that SPIN stores are those of spec/paxos.py, one for one.  All that an
 * acceptor has done is one word, and so is all that the leaders have done.  Steps that change
 * nothing (preparing a ballot again, accepting again) are left out, and so are the choices of
 * quorum and witness: they add transitions, never states.
 */

#if BALLOTS < 2 || BALLOTS > 5 || VALUES > 2 || BALLOTS * VALUES > 6
#error "the fields of a word are too narrow for so many ballots and values"
#endif

/* A vote is a number of 3 bits: 0 is no vote.  A higher ballot gives a higher number. */
#define vote(b, v)      (1 + (b) * VALUES + (v))
#define value_of(x)     (((x) - 1) % VALUES)

/* An acceptor's word, from the lowest bit on:
 *     3 bits                    the highest ballot it has joined, plus 1; 0: none
 *     3 bits                    its last vote
 *     BALLOTS * VALUES bits     its Accepted messages; those for the first value come first
 *     4 bits for each ballot    its Promise: whether it was sent, and the vote that it reports
 * No acceptor sends two promises for a ballot: `promised` grows each time. */
#define promised(w)         ((w) & 7)
#define voted(w)            (((w) >> 3) & 7)
#define accepted(b, v)      (1 << (6 + (v) * BALLOTS + (b)))
#define ACCEPTED(v)         ((((1 << BALLOTS) - 1) * ((v) < VALUES)) << (6 + (v) * BALLOTS))
#define promise_at(b)       (6 + BALLOTS * VALUES + 4 * (b))
#define has_promised(w, b)  (((w) >> promise_at(b)) & 1)
#define reported(w, b)      (((w) >> (promise_at(b) + 1)) & 7)

/* The leaders' word: a bit for each Prepare, then 2 bits for each ballot's Accept: its value plus
 * 1; 0: none yet. */
#define prepared(b)     (1 << (b))
#define accept_at(b)    (BALLOTS + 2 * (b))
#define proposed(b)     ((leaders >> accept_at(b)) & 3)

int acceptor0 = 0, acceptor1 = 0, acceptor2 = 0;
short leaders = 0;

/* Whether the promises of two acceptors allow v in ballot b.  The greater number is the higher
 * vote: votes in one ballot are for one value. */
#define highest(w, x, b)    (reported(w, b) > reported(x, b) -> reported(w, b) : reported(x, b))
#define allowed(w, x, b, v) (has_promised(w, b) && has_promised(x, b) && \
                             (highest(w, x, b) == 0 || value_of(highest(w, x, b)) == (v)))
#define safe(b, v)          (allowed(acceptor0, acceptor1, b, v) || \
                             allowed(acceptor0, acceptor2, b, v) || \
                             allowed(acceptor1, acceptor2, b, v))

/* Which Accepted messages two acceptors or more have sent.  Only `accept` can change it, so the
 * assertion there sees every state.  With one value the second mask is empty. */
#define chosen      ((acceptor0 & acceptor1) | (acceptor0 & acceptor2) | (acceptor1 & acceptor2))
#define agreement   (!((chosen & ACCEPTED(0)) && (chosen & ACCEPTED(1))))

#define prepare(b) \
    :: d_step { !(leaders & prepared(b)) -> leaders = leaders | prepared(b) }

#define promise(w, b) \
    :: d_step { (leaders & prepared(b)) && promised(w) < (b) + 1 -> \
                w = (w & ~7) | ((b) + 1) | ((1 | voted(w) << 1) << promise_at(b)) }

#define propose(b, v) \
    :: d_step { proposed(b) == 0 && safe(b, v) -> \
                leaders = leaders | (((v) + 1) << accept_at(b)) }

#define accept(w, b, v) \
    :: d_step { proposed(b) == (v) + 1 && promised(w) <= (b) + 1 && !(w & accepted(b, v)) -> \
                w = (w & ~63) | ((b) + 1) | (vote(b, v) << 3) | accepted(b, v); \
                assert(agreement) }

#define with_value(b, v) \
    propose(b, v) accept(acceptor0, b, v) accept(acceptor1, b, v) accept(acceptor2, b, v)

#if VALUES == 1
#define with_values(b) with_value(b, 0)
#else
#define with_values(b) with_value(b, 0) with_value(b, 1)
#endif

#define ballot(b) \
    prepare(b) promise(acceptor0, b) promise(acceptor1, b) promise(acceptor2, b) with_values(b)

active proctype Paxos() {
end:  /* Paxos may stop anywhere */
    do
    ballot(0)
    ballot(1)
#if BALLOTS > 2
    ballot(2)
#endif
#if BALLOTS > 3
    ballot(3)
#endif
#if BALLOTS > 4
    ballot(4)
#endif
    od
}
