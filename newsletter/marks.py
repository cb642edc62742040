"""Pure: the names of the moments that are kept as rows of `papers.models.Mark`, and what each says."""

LAST_TICK = "last tick"
# Set by `after_restore`: the time of the backup. Nothing is sent by itself until somebody takes it away.
RESTORED = "backup restored"
# At midnight of the last day whose edition a restored backup has lost: what was listed before may be out.
LOST_UNTIL = "editions lost until"
# When a tick last took its turn; see `newsletter.turns`.
TURN = "turn to tick"
# When what is long past was last cleared; see `newsletter.clearing`.
CLEARED = "old rows are cleared"
# Its position: the last row of the ledger that was looked at for that; see `newsletter.delivery.clearing`.
LEDGER_READ = "ledger is read to"
