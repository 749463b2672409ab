"""What rules compute with, as Ibis expressions: the calendar, strings, digests."""
