"""Scripts of incidents, and the maker that plays them into incident folders (contract: README, "Facts").

`words` are the values that a script is written in, `conduct` what an exchange or a traceroute can look like,
`routes` the collectors' view, `folder` the files. `incidents` holds the scripts of what has happened,
`near_misses` those of what must not be called trouble. Nothing here knows the engine.
"""
