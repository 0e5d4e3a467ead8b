"""Every way on which people are told, by the configuration: which delivery takes a notice."""

from __future__ import annotations

from collections.abc import Callable

from monitor.alert.command_hook import CommandDelivery
from monitor.alert.delivery import Deliver, TemporaryError
from monitor.alert.hooks import COMMAND, WEBHOOK
from monitor.alert.mail import CHANNEL
from monitor.alert.smtp import SmtpDelivery
from monitor.alert.webhook import WebhookDelivery
from monitor.history import Notice
from monitor.model.settings import AlertSettings


class Channels:
    """Hands each notice to its channel's delivery."""

    def __init__(self, settings: AlertSettings) -> None:
        self._mail = None if settings.mail is None else SmtpDelivery(settings=settings.mail)
        self._hooks: dict[tuple[str, str], Deliver] = {
            (WEBHOOK, hook.name): WebhookDelivery(settings=hook) for hook in settings.webhooks
        }
        self._hooks |= {(COMMAND, hook.name): CommandDelivery(settings=hook) for hook in settings.commands}

    def __call__(self, notice: Notice, before_final_dot: Callable[[], None]) -> None:
        """Deliver `notice`.

        :raises DeliveryError: it was not accepted; one whose channel the configuration no longer has may be later
        """
        delivery: Deliver | None = self._mail
        if notice.channel != CHANNEL:
            delivery = self._hooks.get((notice.channel, notice.recipients[0]))
        if delivery is None:
            named = notice.channel if notice.channel == CHANNEL else f"{notice.channel} {notice.recipients[0]!r}"
            raise TemporaryError(f"the configuration names no {named} any more")
        delivery(notice, before_final_dot)
