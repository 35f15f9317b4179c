"""Parts to build specs with: networks and faults, each a small spec of its own.

A part is a field of the spec that uses it (`docs/language.md`, Composition):

    net: Reliable[Request | Reply] = part(capacity=4)

Its methods are called as part of a step of the whole.  Its actions that nobody calls happen by
themselves, between the steps of the whole: that is how a message is lost, or a node crashes.
They are `optional`: with a budget of 0, or where nothing is sent, they never happen.
"""
