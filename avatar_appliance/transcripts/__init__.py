"""How well something was heard: transcripts against what was really said."""
