"""Taking a verified site elsewhere: one archive that is the same bytes whenever it is made."""
