"""Pipelines: processes that do the jobs of one queue each, from the jobs table to PostgreSQL."""
