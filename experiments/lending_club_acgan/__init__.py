"""A mixed-table ACGAN on scarce Lending Club rows; see README.md."""
