"""The judge of the crash tests can say no: each promise that is broken has its sentence."""

from dataclasses import replace

from tests.crash.oracle import Mail, Row, Verdict, judge

ADA, BEN = Row("d-ada", "ada@x.org", 1, "accepted", 1), Row("d-ben", "ben@x.org", 1, "in_doubt", 1)
CLEO = Row("d-cleo", "cleo@x.org", 1, "skipped")
TO_ADA, TO_BEN = Mail("ada@x.org", "d-ada"), Mail("ben@x.org", "d-ben")


def of(rows: list[Row], mails: list[Mail], *, owed: int | None = None, doubt_at_most: int = 1) -> Verdict:
    return judge(rows, mails, owed=len(rows) if owed is None else owed, doubt_at_most=doubt_at_most)


def faults(rows: list[Row], mails: list[Mail], **numbers: int) -> list[str]:
    return list(of(rows, mails, **numbers).faults)


def test_a_run_that_kept_every_promise_holds() -> None:
    verdict = of([ADA, BEN, CLEO], [TO_ADA])
    assert verdict.holds
    assert str(verdict) == (
        "3 owed, 3 planned, 1 accepted, 1 in_doubt, 1 skipped; 1 at the mail server;"
        " at most 1 may be in doubt"
    )


def test_a_mail_in_doubt_may_have_arrived_or_not() -> None:
    assert faults([ADA, BEN], [TO_ADA]) == faults([ADA, BEN], [TO_ADA, TO_BEN]) == []


def test_a_mail_that_arrived_twice_is_found() -> None:
    assert faults([ADA], [TO_ADA, TO_ADA]) == ["arrived twice: 1 (ada@x.org)"]


def test_a_second_mail_under_another_row_is_a_second_mail() -> None:
    other = replace(ADA, delivery="d-other")
    assert faults([ADA, other], [TO_ADA, Mail("ada@x.org", "d-other")], owed=1) == [
        "planned twice: 1 (ada@x.org)",
        "arrived twice: 1 (ada@x.org)",
    ]


def test_another_editions_mail_is_no_second_one() -> None:
    tomorrow = replace(ADA, delivery="d-next", edition=2)
    assert faults([ADA, tomorrow], [TO_ADA, Mail("ada@x.org", "d-next")]) == []


def test_a_lost_mail_is_found() -> None:
    assert faults([ADA], []) == ["accepted, and never arrived: 1 (ada@x.org)"]


def test_a_mail_without_a_row_is_found() -> None:
    assert faults([ADA], [TO_ADA, TO_BEN]) == ["arrived without a row: 1 (ben@x.org)"]


def test_a_mail_that_the_ledger_denies_is_found() -> None:
    for state in ("rejected", "skipped", "expired"):
        assert faults([replace(ADA, state=state)], [TO_ADA]) == [
            f"arrived, and the ledger says otherwise: 1 (ada@x.org {state})"
        ]


def test_one_readers_mail_in_anothers_box_is_found() -> None:
    assert faults([ADA], [Mail("eve@x.org", "d-ada")]) == [
        "arrived at somebody else than the row's reader: 1 (eve@x.org) of 1"
    ]


def test_a_reader_without_a_row_is_found() -> None:
    assert faults([ADA], [TO_ADA], owed=2) == ["2 were owed a mail, 1 have a row"]


def test_rows_that_are_not_settled_are_found() -> None:
    for state in ("pending", "claimed", "handoff"):
        assert faults([replace(ADA, state=state)], []) == [f"not settled: 1 (ada@x.org {state})"]


def test_more_doubt_than_the_kills_explain_is_found() -> None:
    assert faults([BEN], [], doubt_at_most=0) == ["1 are in doubt, 0 may be"]


def test_a_row_that_passed_the_gate_twice_is_found_unless_the_first_was_refused() -> None:
    assert faults([replace(ADA, gates=2)], [TO_ADA]) == [
        "passed the gate again without a refusal: 1 (ada@x.org)"
    ]
    assert faults([replace(ADA, gates=2, returns=1)], [TO_ADA]) == []


def test_long_lists_are_counted_and_cut() -> None:
    rows = [Row(f"d{n}", f"r{n}@x.org", 1, "accepted", 1) for n in range(9)]
    assert faults(rows, []) == [
        "accepted, and never arrived: 9 (r0@x.org, r1@x.org, r2@x.org, r3@x.org, r4@x.org, …)"
    ]
