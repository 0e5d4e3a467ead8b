"""The hub's work in roles that a bus joins: each may have processes of its own, on machines of its own.

    doors (intake) ──┐                    ┌─> store ──> history <── web
                     ├─> stream of facts ─┤                ^ │
    feeds ───────────┘                    └─> diagnose ────┘ └─> alert

Roles meet in the stream and in the history, nowhere else; what they say to each other beside that (a boost, an
address that was met) is of the moment and may be lost. In one process `monitor.hub.centre` has all of them.
"""
