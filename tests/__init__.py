"""Everything that checks the platform, and the platform as local processes (tests.stack)."""
