"""Pictures changed a little so that a network misreads them, and networks trained to resist."""
