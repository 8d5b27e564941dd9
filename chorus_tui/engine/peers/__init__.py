"""Who is there: links, members, what peers said of themselves, joined into one list for people and for grants."""
