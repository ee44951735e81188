"""The streaming service: playback sessions, media tokens, verdicts, resume positions."""
