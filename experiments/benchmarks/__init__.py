"""Claims about speed, each measured beside what it is compared with."""
