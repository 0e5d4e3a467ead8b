"""Telling people that an incident changed: what is worth it, the mail, its delivery, the durable outbox."""

from monitor.alert.delivery import Deliver, DeliveryError, PermanentError, TemporaryError
from monitor.alert.mail import notices
from monitor.alert.outbox import Outbox
from monitor.alert.policy import worth_telling
from monitor.alert.smtp import SmtpDelivery

__all__ = [
    "Deliver",
    "DeliveryError",
    "Outbox",
    "PermanentError",
    "SmtpDelivery",
    "TemporaryError",
    "notices",
    "worth_telling",
]
