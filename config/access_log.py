"""gunicorn's logs without the secrets of mailed links; gunicorn.conf.py names it."""

from typing import Any

from gunicorn.glogging import Logger

from config.logs import SecretsLeftOut, without_secrets


class AccessLog(Logger):  # type: ignore[misc]
    """Requests, referrers and errors as gunicorn writes them, each link cut short."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        if not any(isinstance(found, SecretsLeftOut) for found in self.error_log.filters):
            self.error_log.addFilter(SecretsLeftOut())

    def atoms(self, *about: Any) -> dict[str, Any]:
        return {name: _masked(value) for name, value in super().atoms(*about).items()}


def _masked(value: Any) -> Any:
    return without_secrets(value) if isinstance(value, str) else value
