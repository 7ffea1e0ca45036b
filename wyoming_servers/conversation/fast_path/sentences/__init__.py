"""Sentences that Home Assistant's own language data lacks, by language."""
