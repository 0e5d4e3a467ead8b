"""The language between an agent and its hub: what is said, how it is packed, and who signed it."""

from monitor.link.messages import (
    Batch,
    Boost,
    Loss,
    Numbered,
    Orders,
    OrdersRequest,
    Receipt,
    Refusal,
)
from monitor.link.packing import PackingError, pack, unpack

__all__ = [
    "Batch",
    "Boost",
    "Loss",
    "Numbered",
    "Orders",
    "OrdersRequest",
    "PackingError",
    "Receipt",
    "Refusal",
    "pack",
    "unpack",
]
