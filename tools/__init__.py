"""What looks after the repository; none of it is installed."""
