"""The ledger: plan, claim, gate, hand over, record, sweep. The only place that sends digests.

Never twice: a mail leaves only after its row passed the gate, and that is committed; a row passes once. A
sender that dies between the gate and the record leaves its row in `handoff`, which becomes `in_doubt` and is
never sent again by itself. No transaction is open while a mail is on its way.
"""
