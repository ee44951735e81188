"""Auth: who people are. Owns users, their passwords, the key of access tokens and the refresh tokens."""
