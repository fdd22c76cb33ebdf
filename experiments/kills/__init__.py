"""Whether anything is lost where commands are killed at random moments."""
