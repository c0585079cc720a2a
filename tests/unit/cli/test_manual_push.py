"""At level 0 nobody but the sender says that a file is there, in S3's own words, and a deployment promises nothing."""

from __future__ import annotations

from retide.cli.commands.cloud import retrains
from retide.cli.commands.data import created_message
from retide.domain.events import decode
from retide.domain.layout import ObjectVersion
from retide.domain.order import sequence
from retide.domain.s3_events import ObjectArrived

SENT = ObjectVersion("incoming/tumour/a b+c.csv", "v1")


def test_what_a_sender_says_is_understood_as_what_s3_says() -> None:
    message = created_message("bucket", SENT, "000000000000", 1_437_521_628 * 10**9 + 7)
    decoded = decode(message)
    assert decoded == ObjectArrived("bucket", SENT.key, SENT.version, "0055AED6DC00000007", "000000000000")


def test_a_later_file_comes_later_in_the_order_of_s3_and_of_senders() -> None:
    """0055AED6DCD90281E5 is AWS's own example of a sequencer, of the second 1,437,521,628."""
    at = [created_message("b", SENT, "0" * 12, 1_437_521_628 * 10**9 + ns) for ns in (0, 10**9 - 1, 10**9)]
    order = [sequence(message["detail"]["object"]["sequencer"]) or 0 for message in at]
    assert order == sorted(order)
    assert order[0] < (sequence("0055AED6DCD90281E5") or 0) < order[2]


def test_a_deployment_promises_no_retrain_at_level_0() -> None:
    assert retrains({"Level": "0"}).startswith("level 0: nothing retrains by itself")
    assert "a retrain follows" in retrains({"Level": "1"})
