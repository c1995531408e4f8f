"""Ingestion: state registers -> documents (`registers`, `parties`) -> merges into PostgreSQL."""
