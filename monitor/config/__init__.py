"""The configuration file: TOML text to frozen, checked values, or all of its mistakes at once.

Knows the file's form and nothing of what is done with it: the values are `monitor.model.settings`.
"""

from monitor.config.document import known_keys, load_config, parse_config
from monitor.config.duration import format_duration, parse_duration
from monitor.config.problem import ConfigError, Problem
from monitor.model.settings import Config

__all__ = [
    "Config",
    "ConfigError",
    "Problem",
    "format_duration",
    "known_keys",
    "load_config",
    "parse_config",
    "parse_duration",
]
