"""A day without mail, as `make faults` does it, with fewer tries."""

from __future__ import annotations

import pytest
from mail_day import MAIL_FAULTS, mail_row

REFUSED, *OTHERS = MAIL_FAULTS


@pytest.mark.parametrize("fault", [REFUSED, *(pytest.param(other, marks=pytest.mark.slow) for other in OTHERS)])
def test_after_a_day_without_mail_each_arrives_once(fault: str) -> None:
    """24 mails became due meanwhile, with a restart every six hours."""
    assert mail_row(fault, every_s=3600.0) == (24, 0, 0)
