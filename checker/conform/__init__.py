"""Conformance: an implementation, held against its spec on every edge of the state graph.

    system.py      what is checked: an implementation, driven step by step
    graph.py       the spec's bounded state graph: states, steps, a spanning tree
    compare.py     one state of both sides, compared
    explore.py     every edge, along the spanning tree
    follow.py      one path, slowly: the second opinion
    replays.py     a sample of edges, from the start and without snapshots
    workers.py     the same on several processes
    walks.py       random and guided walks, where the graph is too large
    shrink.py      a path that diverges, made as short as it can be
    divergence.py  what differs, and the path to it
    result.py      the answer; report.py shows it
    run.py         `conform`: all of this together
    recorded.py    a divergence in a file, and again from there
    process.py     a system in any language, over its standard input and output
    shipped.py     the systems that ship, by name; echo.py is the spec itself

Nothing here knows a protocol; what binds one to its implementation (`paxos.py`) is beside it.
"""
