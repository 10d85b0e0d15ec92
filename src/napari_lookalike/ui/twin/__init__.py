"""Twin review: two slides side by side, the tiles that look alike, and what an expert says."""
