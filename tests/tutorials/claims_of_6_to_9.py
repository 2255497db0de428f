"""The claims of tutorials 6 to 9."""

from __future__ import annotations

from tests.tutorials.claims import Claim

CLAIMS: dict[str, list[Claim]] = {}
