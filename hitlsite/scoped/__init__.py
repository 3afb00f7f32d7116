"""Django's PostgreSQL backend, where every transaction begins by saying for whom it acts."""
