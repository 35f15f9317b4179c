"""The same protocols a second time: successors over tuples, and twelve lines of search.

Written from the rules of each protocol, not from its spec's compiled form, so that the counts of
the checker are those of somebody else.  Each function gives the initial states, and a function
from a state to the list of what its steps lead to: one entry for each step, also where two steps
lead to the same state.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import combinations, permutations, product
from typing import Any

Successors = Callable[[Any], Iterable[Hashable]]
Space = tuple[Iterable[Hashable], Successors]


def count(space: Space) -> tuple[int, int, int]:
    """Distinct states, transitions, depth."""
    initial, successors = space
    seen = set(initial)
    level, transitions, depth = list(seen), 0, -1
    while level:
        depth += 1
        found = []
        for state in level:
            for after in successors(state):
                transitions += 1
                if after not in seen:
                    seen.add(after)
                    found.append(after)
        level = found
    return len(seen), transitions, depth


def put(items: tuple[Any, ...], i: int, value: Any) -> tuple[Any, ...]:
    """A tuple with one item changed."""
    return (*items[:i], value, *items[i + 1 :])


def die_hard(small: int, big: int) -> Space:
    def successors(state: tuple[int, int]) -> Iterator[Hashable]:
        s, b = state
        yield from [(small, b), (s, big), (0, b), (s, 0)]
        yield (max(0, s - (big - b)), min(big, s + b))
        yield (min(small, s + b), max(0, b - (small - s)))

    return [(0, 0)], successors


def missionaries(n: int) -> Space:
    people = [(kind, i) for kind in "mc" for i in range(n)]

    def safe(bank: frozenset[tuple[str, int]]) -> bool:
        missionaries = sum(kind == "m" for kind, _ in bank)
        return missionaries == 0 or missionaries >= len(bank) - missionaries

    def successors(state: tuple[bool, frozenset[tuple[str, int]]]) -> Iterator[Hashable]:
        in_east, east = state
        here = east if in_east else frozenset(people) - east
        for size in (1, 2):
            for boat in combinations(sorted(here), size):
                left = east - set(boat) if in_east else east | set(boat)
                if safe(left) and safe(frozenset(people) - left):
                    yield (not in_east, left)

    return [(True, frozenset(people))], successors


def termination(n: int) -> Space:
    white, black = 0, 1

    def successors(state: tuple[Any, Any, int, int]) -> Iterator[Hashable]:
        active, color, at, token = state
        if at == 0 and black in (token, color[0]):
            yield active, put(color, 0, white), n - 1, white
        if at > 0 and (not active[at] or black in (token, color[at])):
            yield active, put(color, at, white), at - 1, max(token, color[at])
        for i in range(n):
            if active[i]:
                yield put(active, i, False), color, at, token
                for j in set(range(n)) - {i}:
                    darker = put(color, i, black) if j > i else color
                    yield put(active, j, True), darker, at, token

    bits = list(product([0, 1], repeat=n))
    awake = list(product([False, True], repeat=n))
    return [(a, c, at, black) for a in awake for c in bits for at in range(n)], successors


def ring(n: int) -> Space:
    def successors(state: tuple[Any, ...]) -> Iterator[Hashable]:
        initiators, begun, lost, won, links = state
        for m in range(n):
            after = (m + 1) % n
            if m not in begun:
                sent = put(links, after, (*links[after], m)) if m in initiators else links
                yield initiators, begun | {m}, lost, won, sent
            elif links[m]:
                number, *rest = links[m]
                left = put(links, m, tuple(rest))
                if m in lost or number < m:
                    # A ring of one cannot get here: its own number is not less.
                    passed = put(left, after, (*left[after], number))
                    yield initiators, begun, lost | {m}, won, passed
                else:
                    yield initiators, begun, lost, won | ({m} if number == m else set()), left

    nobody: frozenset[int] = frozenset()
    everyone = frozenset(range(n))
    some = [frozenset(s) for size in range(n + 1) for s in combinations(range(n), size)]
    return [(s, nobody, everyone - s, nobody, ((),) * n) for s in some], successors


def dining(n: int, ordered: bool) -> Space:
    """Where each is: 0 thinks, 1 has a fork, 2 eats."""

    def forks(p: int) -> tuple[int, int]:
        pair = (p, (p + 1) % n)
        return (min(pair), max(pair)) if ordered else pair

    def successors(at: tuple[int, ...]) -> Iterator[Hashable]:
        taken = {fork for p in range(n) for fork in forks(p)[: at[p]]}
        for p in range(n):
            if at[p] == 2:
                yield put(at, p, 0)
            elif forks(p)[at[p]] not in taken:
                yield put(at, p, at[p] + 1)

    return [(0,) * n], successors


def bakery(n: int, tickets: int) -> Space:
    """A customer is (step, choosing, number, seen, other)."""

    def customer(p: int, state: tuple[Any, ...]) -> tuple[Any, ...] | None:
        step, choosing, number, seen, other = state[p]
        if step in ("come", "come again"):
            return ("look", True, number, 0, 0)
        if step in ("look", "look on"):
            if other < n:
                return ("look on", choosing, number, max(seen, state[other][2]), other + 1)
            return ("take", choosing, number, seen, other)
        if step == "take":
            # What is cut off is no state.
            return ("next", False, seen + 1, seen, 0) if seen + 1 < tickets else None
        if step == "choice":
            return None if state[other][1] else ("turn", choosing, number, seen, other)
        if step == "critical":
            return ("come again", choosing, 0, seen, other)
        if step == "turn":
            theirs = state[other][2]
            if theirs != 0 and (theirs, other) < (number, p):
                return None
            other += 1
        return ("choice" if other < n else "critical", choosing, number, seen, other)

    def successors(state: tuple[Any, ...]) -> Iterator[Hashable]:
        for p in range(n):
            after = customer(p, state)
            if after is not None:
                yield put(state, p, after)

    return [(("come", False, 0, 0, 0),) * n], successors


def lamport_mutex(latest: int) -> Space:
    """Two sites.  Each: (clock, own request, the other's, acknowledged, inside, inbox)."""

    def successors(state: tuple[Any, ...]) -> Iterator[Hashable]:
        if any(site[0] > latest for site in state):
            return
        for p in (0, 1):
            clock, mine, theirs, acks, inside, inbox = state[p]

            def after(site: tuple[Any, ...], *sent: Any, p: int = p) -> Hashable:
                other = (*state[1 - p][:5], (*state[1 - p][5], *sent))
                return (site, other) if p == 0 else (other, site)

            if mine == 0:
                yield after((clock, clock, theirs, {"me"}, inside, inbox), ("ask", clock))
            if inbox:
                (kind, time), rest = inbox[0], inbox[1:]
                if kind == "ask":
                    moved = (max(clock, time) + 1, mine, time, acks, inside, rest)
                    yield after(moved, ("ack", 0))
                elif kind == "ack":
                    yield after((clock, mine, theirs, acks | {"you"}, inside, rest))
                else:
                    yield after((clock, mine, 0, acks, inside, rest))
            first = theirs == 0 or (mine, p) < (theirs, 1 - p)
            if not inside and len(acks) == 2 and first:
                yield after((clock, mine, theirs, acks, True, inbox))
            if inside:
                yield after((clock, 0, theirs, set(), False, inbox), ("free", 0))

    def hashable(state: Any) -> Any:
        return tuple((*s[:3], frozenset(s[3]), *s[4:]) for s in state)

    start: Hashable = ((1, 0, 0, frozenset(), False, ()),) * 2
    return [start], lambda state: map(hashable, successors(state))


def alternating_bit(data: int, capacity: int) -> Space:
    def successors(state: tuple[Any, ...]) -> Iterator[Hashable]:
        sending, received, forth, back = state
        for i in range(len(forth)):
            yield sending, received, forth[:i] + forth[i + 1 :], back
        for i in range(len(back)):
            yield sending, received, forth, back[:i] + back[i + 1 :]
        if back and back[0] == sending[1]:
            for d in range(data):
                yield (d, 1 - sending[1]), received, forth, back[1:]
        if back and back[0] != sending[1]:
            yield sending, received, forth, back[1:]
        if len(forth) < capacity:
            yield sending, received, (*forth, sending), back
        if forth:
            new = forth[0][1] != received[1]
            yield sending, forth[0] if new else received, forth[1:], back
        if len(back) < capacity:
            yield sending, received, forth, (*back, received[1])

    return [((d, 0), (d, 0), (), ()) for d in range(data)], successors


def readers_writers(n: int, depth: int) -> Space:
    """How often each reads, who writes, who wants to write."""

    def successors(state: tuple[Any, ...]) -> Iterator[Hashable]:
        reads, writer, wants = state
        for t in range(n):
            may_read = reads[t] > 0 or not wants
            if writer is None and t not in wants and reads[t] < depth and may_read:
                yield put(reads, t, reads[t] + 1), writer, wants
            if reads[t] > 0:
                yield put(reads, t, reads[t] - 1), writer, wants
            elif writer != t:
                yield reads, writer, wants | {t}
            if t in wants and writer is None and not any(reads):
                yield reads, t, wants - {t}
        if writer is not None:
            yield reads, None, wants

    return [((0,) * n, None, frozenset())], successors


def raft_election(n: int, terms: int) -> Space:
    """A server is (term, role, voted for, votes)."""

    def receive(server: tuple[Any, ...], s: int, m: tuple[Any, ...]) -> Any:
        """The server and what it sends, or None where it does nothing with this message."""
        newer = m[1] > server[0]
        term, role, voted, votes = (m[1], "F", None, frozenset()) if newer else server
        match m:
            case ("ask", t, c) if t == term:
                if voted in (None, c):
                    return (term, role, c, votes), ("grant", t, s, c)
                return None
            case ("grant", t, v, c) if c == s and t == term:
                return ((term, role, voted, votes | {v}), None) if role == "C" else None
            case ("lead", t) if t == term:
                return ((term, "F", voted, votes), None) if role == "C" else None
        return ((term, role, voted, votes), None) if newer else None

    def successors(state: tuple[Any, ...]) -> Iterator[Hashable]:
        servers, sent = state
        for s, (term, role, voted, votes) in enumerate(servers):
            if role != "L" and term < terms:
                candidate = (term + 1, "C", s, frozenset({s}))
                yield put(servers, s, candidate), sent | {("ask", term + 1, s)}
            if role == "C" and 2 * len(votes) > n:
                yield put(servers, s, (term, "L", voted, votes)), sent | {("lead", term)}
            if role != "F":
                yield put(servers, s, (term, "F", voted, frozenset())), sent
            for m in sent:
                found = receive(servers[s], s, m)
                if found is not None:
                    yield put(servers, s, found[0]), sent | ({found[1]} if found[1] else set())

    return [(((0, "F", None, frozenset()),) * n, frozenset())], successors


def register(replicas: int, readers: int, writes: int) -> Space:
    quorums = list(combinations(range(replicas), replicas // 2 + 1))

    def successors(state: tuple[Any, ...]) -> Iterator[Hashable]:
        latest, begun, over, read, last, least = state
        if begun == over < writes:
            yield latest, begun + 1, over, read, last, least
        for n in range(replicas):
            if latest[n] < begun:
                yield put(latest, n, begun), begun, over, read, last, least
        for r in range(readers):
            for n in range(replicas):
                if read[r] is not None and latest[n] < read[r]:
                    yield put(latest, n, read[r]), begun, over, read, last, least
        for q in quorums:
            have = [latest[n] for n in q]
            if over < begun and all(t == begun for t in have):
                yield latest, begun, begun, read, last, least
            for r in range(readers):
                if read[r] is None:
                    promised = put(least, r, max(over, last))
                    yield latest, begun, over, put(read, r, max(have)), last, promised
                elif min(have) >= read[r]:
                    yield latest, begun, over, put(read, r, None), max(last, read[r]), least

    return [((0,) * replicas, 0, 0, (None,) * readers, 0, (0,) * readers)], successors


def lease(clients: int, end: int, length: int, skew: int) -> Space:
    def successors(state: tuple[Any, ...]) -> Iterator[Hashable]:
        now, late, promised, leases = state
        if now < end:
            yield now + 1, late, promised, leases
        until = now + length
        for c in range(clients):
            # A promise beyond the end of time cannot be written down.
            if (promised == 0 or now >= promised + skew) and until <= end:
                yield now, late, until, put(leases, c, until)
            if leases[c] is not None and now - late[c] >= leases[c]:
                yield now, late, promised, put(leases, c, None)

    return [(0, d, 0, (None,) * clients) for d in product(range(skew + 1), repeat=clients)], (
        successors
    )


def puzzle() -> Space:
    """Two rows of three, the free place first."""
    near = {0: (1, 3), 1: (0, 2, 4), 2: (1, 5), 3: (0, 4), 4: (1, 3, 5), 5: (2, 4)}

    def successors(state: tuple[Any, ...]) -> Iterator[Hashable]:
        board, begun = state
        free = board.index(0)
        for place in near[board.index(0)]:
            yield put(put(board, free, board[place]), place, 0), begun

    orders = [(0, 1, 2, *rest) for rest in permutations((3, 4, 5))]
    even = [o for o in orders if sum(a > b for a, b in combinations(o, 2)) % 2 == 0]
    return [(o, o) for o in even], successors


def snapshot(money: int, capacity: int) -> Space:
    """Two banks.  Each: (has, recorded, on its way to it, its link is closed, inbox)."""

    def record(me: tuple[Any, ...], other: tuple[Any, ...]) -> Any:
        if len(other[4]) == capacity:
            return None
        return (me[0], me[0], *me[2:]), (*other[:4], (*other[4], "marker"))

    def steps(me: tuple[Any, ...], other: tuple[Any, ...]) -> Iterator[Any]:
        has, recorded, coming, closed, inbox = me
        if has > 0 and len(other[4]) < capacity:
            yield (has - 1, *me[1:]), (*other[:4], (*other[4], "money"))
        if recorded is None and other[1] is None:
            yield record(me, other)
        if inbox and inbox[0] == "money":
            counts = recorded is not None and not closed
            yield (has + 1, recorded, coming + counts, closed, inbox[1:]), other
        if inbox and inbox[0] == "marker":
            shut = (has, recorded, coming, True, inbox[1:])
            yield (shut, other) if recorded is not None else record(shut, other)

    def successors(state: tuple[Any, ...]) -> Iterator[Hashable]:
        one, two = state
        yield from (found for found in steps(one, two) if found is not None)
        yield from (found[::-1] for found in steps(two, one) if found is not None)

    rich, poor = ((has, None, 0, False, ()) for has in (money, 0))
    return [(rich, poor), (poor, rich)], successors


def primary_backup(writes: int, crashes: int, restarts: int) -> Space:
    """(view, primary, backup, versions, acknowledged, up, crashed, restarted, in flight)."""

    def successors(state: tuple[Any, ...]) -> Iterator[Hashable]:
        view, p, b, has, done, up, crashed, restarted, flying = state
        others = up, crashed, restarted
        if up[p] and has[p] == done < writes:
            newer = has[p] + 1
            more = put(has, p, newer)
            if b is None:
                yield view, p, b, more, newer, *others, flying
            elif len(flying) < 2:
                sent = tuple(sorted([*flying, ("update", view, newer)]))
                yield view, p, b, more, done, *others, sent
        for m in set(flying):
            rest = list(flying)
            rest.remove(m)
            kind, seen, version = m
            if seen < view:
                yield view, p, b, has, done, *others, tuple(rest)
            elif kind == "update" and b is not None and up[b]:
                sent = tuple(sorted([*rest, ("stored", view, version)]))
                yield view, p, b, put(has, b, version), done, *others, sent
            elif kind == "stored" and up[p]:
                yield view, p, b, has, version, *others, tuple(rest)
        for s in (0, 1):
            if up[s] and crashed < crashes:
                down = put(up, s, False), crashed + 1, restarted
                yield view, p, b, put(has, s, 0), done, *down, flying
            if not up[s] and b is None and s != p and up[p] and restarted < restarts:
                back = put(up, s, True), crashed, restarted + 1
                yield view + 1, p, s, put(has, s, has[p]), done, *back, flying
        if b is not None and up[p] and not up[b]:
            yield view + 1, p, None, has, has[p], *others, flying
        if b is not None and up[b] and not up[p]:
            yield view + 1, b, None, has, max(done, has[b]), *others, flying

    both = (True, True)
    return [(0, p, 1 - p, (0, 0), 0, both, 0, 0, ()) for p in (0, 1)], successors
