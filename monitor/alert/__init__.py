"""Telling people that an incident changed: when, the mail, its delivery, the durable outbox."""

from monitor.alert.delivery import Deliver, DeliveryError, PermanentError, TemporaryError
from monitor.alert.mail import notices
from monitor.alert.outbox import Outbox
from monitor.alert.smtp import SmtpDelivery

__all__ = [
    "Deliver",
    "DeliveryError",
    "Outbox",
    "PermanentError",
    "SmtpDelivery",
    "TemporaryError",
    "notices",
]
