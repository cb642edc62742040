"""The provider that tests send through keeps a log that says what would have gone out, whoever was killed."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests
from django.core.mail import EmailMessage, get_connection

from tests.processes import program
from tests.provider_server import settings_for


def log(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def send(settings: Any, port: int, provider: str, *addresses: str) -> None:
    for name, value in settings_for(provider, port).items():
        setattr(settings, name, value)
    message = EmailMessage("Subject", "Text", "papers@example.org", list(addresses))
    message.merge_metadata = {address: {"delivery_id": f"id of {address}"} for address in addresses}  # type: ignore[attr-defined]
    with get_connection() as connection:
        connection.send_messages([message])


def test_as_a_program_it_logs_each_reader_of_each_call(settings: Any, tmp_path: Path) -> None:
    arguments = (
        "-m",
        "tests.provider_server",
        "--out",
        str(tmp_path),
        "--fault",
        "status",
        "--status",
        "500",
    )
    with program(*arguments, "--times", "1", "--taken", stdout=subprocess.PIPE) as process:
        port = int(process.stdout.readline())
        with pytest.raises(requests.HTTPError):
            send(settings, port, "mailgun", "ada@example.org", "ben@example.org")
        order = {"kind": "dropped", "times": 1, "refused": {"ben@example.org": "invalid"}}
        assert requests.post(f"http://127.0.0.1:{port}/faults", json=order, timeout=10).status_code == 200
        with pytest.raises(requests.ConnectionError):
            send(settings, port, "postmark", "ada@example.org")
        send(settings, port, "postmark", "ada@example.org", "ben@example.org")
    expected = [
        (1, "mailgun", "ada@example.org", True, "status"),
        (1, "mailgun", "ben@example.org", True, "status"),
        (2, "postmark", "ada@example.org", False, "dropped"),
        (3, "postmark", "ada@example.org", True, ""),
        (3, "postmark", "ben@example.org", False, ""),
    ]
    assert log(tmp_path) == [
        {
            "call": call,
            "provider": provider,
            "to": to,
            "delivery_id": f"id of {to}",
            "taken": taken,
            "fault": fault,
        }
        for call, provider, to, taken, fault in expected
    ]
