"""What carries facts between the roles of a hub: crates, partitions, marks of time. Pure, but for `nats`.

`outlet` is the seam: who brings facts knows only that. In one process the hub itself is the outlet; `nats` is the
one between processes. Nothing here keeps facts for good or concludes from them.
"""
