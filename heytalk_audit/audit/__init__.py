"""From rows to outcomes, from outcomes to ledgers, from ledgers to verdicts and ratings."""
