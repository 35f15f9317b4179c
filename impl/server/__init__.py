"""A node of a cluster, as a process: configuration, the driver of the protocol, its clients.

Read `config.py`, then `driver.py` (what happens when), `operations.py` (the clients' side), and
`server.py`, which joins them.
"""
