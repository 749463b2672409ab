"""Marketing: what was sent, and what the person had said of it by then."""

from __future__ import annotations

import ibis.expr.types as ir
from ibis import _

from heytalk_audit.audit.fact import PEOPLE, TablePart, Tally, fact
from heytalk_audit.facts.consent import state_in_words
from heytalk_audit.policy.view import View
from heytalk_audit.rules.consent import marketing_states, on_channels, with_month
from heytalk_audit.rules.consent_terms import with_state


@fact(
    "marketing",
    title="Marketing",
    limits=(
        "A message of marketing that is labelled as a service message is not counted here.",
        "Whether a message arrived or was read is not known.",
    ),
)
def marketing(outbound_messages: ir.Table, consents: ir.Table, policy: View) -> Tally:
    """The messages of marketing that were sent in the audit's period, by channel, month and the state of consent to marketing on that
    channel at the instant of the sending. Suppressed messages were not sent, and are left out. The total counts the people to whom any of
    them was sent."""
    sent = on_channels(outbound_messages, policy, "marketing")
    m = with_month(with_state(sent, "state", sent.sent_at, marketing_states(consents, policy)), policy)
    m = m.mutate(consent=state_in_words(m.state))
    return Tally(m, [TablePart(m, ("channel", "month", "consent"), {"sends": _.count(), "people": PEOPLE})])
