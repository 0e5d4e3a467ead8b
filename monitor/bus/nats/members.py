"""Who is there with a role: entries that expire when nobody renews them."""

from __future__ import annotations

from nats.js.errors import NoKeysError

from monitor.bus.nats.broker import MEMBERS, Broker, named_errors


class Members:
    """Those with `role`; `who`: this process."""

    def __init__(self, broker: Broker, role: str, who: str) -> None:
        self._bucket = broker.bucket(MEMBERS)
        self._role = role
        self._who = who

    async def count(self) -> int:
        """Show that we are there, and count who is.

        :raises BusError: the brokers did not answer
        """
        with named_errors("tell who is there"):
            await self._bucket.put(f"{self._role}.{self._who}", b"")
            try:
                keys = await self._bucket.keys()
            except NoKeysError:
                keys = []
        return max(1, sum(key.startswith(f"{self._role}.") for key in keys))
