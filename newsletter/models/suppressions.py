"""Addresses that are mailed no more."""

from django.db import models


class Suppression(models.Model):
    """An address that must never be mailed again, kept as a keyed hash so that it survives erasure."""

    address_hash = models.CharField(max_length=64, unique=True)
    reason = models.CharField(max_length=20)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.reason} {self.address_hash[:8]}"
