"""Small Qt widgets that panels share."""
