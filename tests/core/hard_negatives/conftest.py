"""What tests of the table share."""

from tests.postgres_fixture import server, shared_place

__all__ = ["server", "shared_place"]
