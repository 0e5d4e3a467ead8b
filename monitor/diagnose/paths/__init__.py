"""Which networks lie on the way from a vantage to a target, and when that has changed. Pure.

`trail` maps one traceroute to AS numbers, `other_interface` finds the hops that are an old router under another
address, `change` compares a trail with the usual set, `memory` keeps that set for one vantage and target,
`belief` decides when a change is believed, and `of_target` has both for all vantages of a target. Nothing here
knows the clock, BGP feeds or what a change means.
"""
