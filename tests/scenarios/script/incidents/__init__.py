"""The scripts of what has happened, one group of stories a file; `INCIDENTS` holds all by name.

Every truth says what happened by the published accounts. Where those leave something open, the script's header
says what is assumed.
"""

from script.incidents.dns import FACEBOOK, MYETHERWALLET
from script.incidents.kakao import COOV, FIRE, KAKAO
from script.incidents.leaks import MAINONE, VERIZON
from script.incidents.origins import CHINA_TELECOM, TELEGRAM_2026, TWITTER, VODAFONE_IDEA
from script.incidents.outages import FASTLY, ORANGE_SPAIN, RESOLVER_2025, ROGERS
from script.incidents.subprefixes import CELER, RESOLVER_2024, ROSTELECOM, TELEGRAM_2018, YOUTUBE
from script.words import Script

INCIDENTS: dict[str, Script] = {
    script.name: script
    for script in (
        YOUTUBE, CHINA_TELECOM, MYETHERWALLET, TELEGRAM_2018, MAINONE, VERIZON, ROSTELECOM, VODAFONE_IDEA, FASTLY,
        FACEBOOK, COOV, KAKAO, TWITTER, ROGERS, CELER, FIRE, ORANGE_SPAIN, RESOLVER_2024, RESOLVER_2025,
        TELEGRAM_2026,
    )
}  # fmt: skip

__all__ = ["INCIDENTS"]
