"""What runs: sans-I/O protocol cores, and around them sockets, disk and the server.

Imports neither ``spec`` nor ``checker``: it must stand on its own, or conformance proves
nothing.
"""
