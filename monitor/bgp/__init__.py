"""Routes: bytes and JSON of BGP feeds -> route facts, each peer's table of them, and what to compare them with.

`ris_live` and `mrt` decode feeds, `bgp_update` the message beneath; `rib` keeps each peer's view; `watch`
says which prefixes matter; `rpki` and `ip_to_as` answer who may and who does originate. These are pure:
`sources` does the I/O. Nothing here judges a route; that is `monitor.diagnose`'s.
"""
