"""The expert's table of look-alikes."""
