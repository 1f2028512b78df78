"""Where a post goes on the calendar, and what will happen when."""
